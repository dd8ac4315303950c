//! Managed connections: redialled, kept, closed when idle, and ended with their endpoint.

mod support;

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use fastn_net::{
    Code, Config, Connect, CustomNetwork, Endpoint, Limits, Network, Peer, PeerAddress, PeerState, Protocol, SecretKey,
    wire::{
        alpn::Alpn,
        codes::{close as codes, reset},
    },
};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use iroh::endpoint::{Connection, ConnectionError};
use support::{
    GENEROUS, ONCE, USUAL, close, config, echo, endpoint, endpoint_with, exchange, header, introduce, limits, open,
    open_at, pair,
    raw::{Frozen, Raw, RawStream, code},
    seconds_dialled, soon, until, write_all,
};

/// Short timeouts, so that tests are fast.
fn quick() -> Limits {
    let connect = Connect {
        min_delay: Duration::from_millis(10),
        max_delay: Duration::from_millis(100),
        attempt_timeout: Duration::from_millis(500),
        ..limits().connect
    };
    limits().with_connect(connect)
}

fn short() -> Limits {
    quick().with_idle_timeout(Duration::from_millis(300))
}

/// An endpoint with this key, at this address if the system gives it.
async fn at(secret: &SecretKey, bind: SocketAddr) -> Endpoint {
    let network = Network::Custom(CustomNetwork { bind: vec![bind], ..CustomNetwork::default() });
    loop {
        match Endpoint::bind(secret.clone(), Config { network: network.clone(), ..config(quick()) }).await {
            Ok(endpoint) => return endpoint,
            // The system gives a closed socket's port back a moment later.
            Err(error) => assert_eq!(error.code(), Code::Bind),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn ask(from: &Endpoint, to: &Peer) {
    let stream = soon(from.get_stream(to, &header(&Protocol::Tcp), USUAL)).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_peer_is_dialled_until_the_deadline_and_the_error_says_what_was_tried() {
    let a = endpoint_with(quick()).await;
    let b = endpoint().await;
    let peer = a.peer(&b.address()).expect("peer");
    let options = USUAL.with_timeout(Duration::from_secs(2));
    let error = soon(a.get_stream(&peer, &header(&Protocol::Tcp), options)).await.expect_err("nothing listens");
    assert_eq!(error.code(), Code::Unreachable);
    for part in ["listens for nothing", &b.address().addresses[0].to_string()] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(seconds_dialled(&error) >= options.timeout.as_secs_f64(), "{error}");
    until("nobody waits any more", || peer.status().state == PeerState::Idle).await;
    assert_eq!(peer.status().last_error.expect("error").code(), Code::Unreachable);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_are_counted() {
    let connect = Connect { retries: Some(2), ..quick().connect };
    let a = endpoint_with(quick().with_connect(connect)).await;
    let b = endpoint().await;
    let peer = a.peer(&b.address()).expect("peer");
    let error = soon(a.get_stream(&peer, &header(&Protocol::Tcp), USUAL)).await.expect_err("nothing listens");
    assert_eq!((error.code(), peer.status().attempts), (Code::Unreachable, 3));
    let error = soon(a.get_stream(&peer, &header(&Protocol::Tcp), ONCE)).await.expect_err("nothing listens");
    assert_eq!((error.code(), peer.status().attempts), (Code::Unreachable, 4));
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_is_shutting_down_until_it_is_gone_and_then_unreachable() {
    let brief = Duration::from_millis(300);
    let (a, b) = pair().await;
    let stranger = endpoint().await;
    echo(&b, &[Protocol::Tcp]);
    let peers = [(&a, a.peer(&b.address()).expect("peer")), (&stranger, stranger.peer(&b.address()).expect("peer"))];
    ask(&a, &peers[0].1).await;
    b.drain();
    for (from, peer) in &peers {
        let options = USUAL.with_timeout(Duration::from_secs(1));
        let drains = soon(from.get_stream(peer, &header(&Protocol::Tcp), options)).await.expect_err("it drains");
        assert_eq!(drains.code(), Code::ShuttingDown, "{drains}");
    }
    close(&[&b]).await;
    for (from, peer) in &peers {
        until("the connection has ended", || peer.connections().is_empty() && peer.connection().is_none()).await;
        let told = || peer.status().last_error.is_some_and(|error| error.code() == Code::ShuttingDown);
        until("the actor knows", told).await;
        let options = USUAL.with_timeout(brief);
        let opened = soon(from.get_stream(peer, &header(&Protocol::Tcp), options)).await.map(drop);
        let connected = soon(from.connect(peer, brief)).await.map(drop);
        let pinged = soon(from.ping(peer, brief)).await.map(drop);
        for result in [opened, connected, pinged] {
            let error = result.expect_err("nothing is there");
            assert_eq!(error.code(), Code::Unreachable, "{error}");
            assert!(!error.message().contains("shutting down"), "{error}");
        }
    }
    close(&[&a, &stranger]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_ends_before_its_dial_says_so() {
    let rarely = Duration::from_hours(1000);
    let a = endpoint_with(limits().with_connect(Connect { min_delay: rarely, max_delay: rarely, ..limits().connect }))
        .await;
    let b = endpoint().await;
    let peer = a.peer(&b.address()).expect("peer");
    soon(a.get_stream(&peer, &header(&Protocol::Tcp), ONCE)).await.map(drop).expect_err("nothing listens");
    let error = soon(a.connect(&peer, Duration::from_millis(50))).await.map(drop).expect_err("it backs off");
    assert_eq!(error.code(), Code::Unreachable);
    assert!(error.message().contains("it was not dialled within 50 ms"), "{error}");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_served_once_its_peer_starts_there_or_elsewhere() {
    let a = endpoint_with(quick()).await;
    let secret = SecretKey::generate();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let reserved = std::net::UdpSocket::bind(any).expect("bind");
    let there = reserved.local_addr().expect("address");
    let nowhere = PeerAddress { addresses: vec![there], ..PeerAddress::new(secret.public()) };
    let peer = a.peer(&nowhere).expect("peer");
    let (mut last, places) = (None, [there, any, any]);
    drop(reserved);
    for place in places {
        let waiting = (0..20).map(|_| ask(&a, &peer));
        let starting = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let b = at(&secret, place).await;
            echo(&b, &[Protocol::Tcp]);
            // At another address, one caller must give it. All waiting callers profit.
            a.peer(&b.address()).expect("peer");
            b
        };
        let (_, b) = tokio::join!(join_all(waiting), starting);
        let connection = peer.connection().expect("connection");
        close(&[&b]).await;
        soon(connection.closed()).await;
        last = Some(b);
    }
    close(&[&a, &last.expect("one")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_peer_comes_back_by_itself_and_is_never_idle() {
    let a = endpoint_with(quick().with_idle_timeout(Duration::from_millis(100))).await;
    let secret = SecretKey::generate();
    let mut place = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut keep = None;
    for _ in 0..5 {
        let b = at(&secret, place).await;
        echo(&b, &[Protocol::Tcp]);
        place = b.bound_sockets()[0];
        let peer = a.peer(&b.address()).expect("peer");
        keep.get_or_insert_with(|| peer.keep().expect("open"));
        until("connected", || peer.status().state == PeerState::Connected).await;
        let connection = peer.connection().expect("connection");
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(connection.is_live() && peer.status().kept);
        close(&[&b]).await;
        soon(connection.closed()).await;
        until("it is missed", || peer.status().state != PeerState::Connected && peer.status().attempts > 0).await;
        assert!(peer.status().last_error.is_some());
    }
    let peer = keep.as_ref().expect("kept").peer().clone();
    drop(keep);
    until("nobody wants it", || peer.status().state == PeerState::Idle && !peer.status().kept).await;
    close(&[&a]).await;
    assert_eq!(peer.keep().expect_err("closed").code(), Code::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unused_connection_is_closed_by_its_dialler_and_a_used_one_is_not() {
    let (a, b) = (endpoint_with(short()).await, endpoint_with(short()).await);
    introduce(&a, &b);
    echo(&b, &[Protocol::Tcp]);
    let peer = a.peer(&b.address()).expect("peer");
    let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let connection = stream.connection().clone();
    tokio::time::sleep(short().idle_timeout * 4).await;
    assert!(connection.is_live(), "a stream is open");
    drop(stream);
    let guard = soon(a.connect(&peer, GENEROUS)).await.expect("guard");
    tokio::time::sleep(short().idle_timeout * 4).await;
    assert!(connection.is_live() && guard.is_live(), "a guard is held");
    drop(guard);
    let end = soon(connection.closed()).await;
    assert_eq!((end.code, end.by), (codes::IDLE, fastn_net::ClosedBy::Local));
    until("idle", || peer.status().state == PeerState::Idle).await;
    assert!(peer.status().last_error.is_none());
    ask(&a, &peer).await;
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_error_is_that_of_the_last_connection_or_dial() {
    let a = endpoint_with(short().with_ping_timeout(Duration::from_millis(300))).await;
    let b = endpoint().await;
    let peer = a.peer(&b.address()).expect("peer");
    let last_error = || peer.status().last_error.map(|error| error.code());
    soon(a.get_stream(&peer, &header(&Protocol::Tcp), ONCE)).await.expect_err("nothing listens");
    assert_eq!(last_error(), Some(Code::Unreachable));
    echo(&b, &[Protocol::Tcp]);
    ask(&a, &peer).await;
    until("it is unused for long enough", || peer.status().state == PeerState::Idle).await;
    assert_eq!(last_error(), None, "a good connection came after the failure");
    close(&[&b]).await;

    let (frozen, is_frozen) = Frozen::start(Alpn::FastnNet, b"\"Tcp\"\n").await;
    let peer = a.peer(&frozen.address).expect("peer");
    let mut stream = soon(a.get_stream(&peer, &header(&Protocol::Tcp), USUAL)).await.expect("stream");
    write_all(&mut stream, b"freeze").await.expect("write");
    soon(is_frozen).await.expect("frozen");
    until("it is given up", || peer.connections().is_empty() && peer.connection().is_none()).await;
    until("the actor knows", || peer.status().state == PeerState::Idle).await;
    let error = peer.status().last_error.expect("a peer that does not answer");
    assert_eq!(error.code(), Code::ConnectionLost, "{error}");
    drop(stream);
    frozen.thaw().await;
    close(&[&a]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_is_lost_to_an_idle_close_on_either_side() {
    let limits = quick().with_idle_timeout(Duration::from_millis(20));
    let (a, b) = (endpoint_with(limits).await, endpoint_with(limits).await);
    introduce(&a, &b);
    for endpoint in [&a, &b] {
        echo(endpoint, &[Protocol::Tcp]);
    }
    let (of_a, of_b) = (a.peer(&b.address()).expect("peer"), b.peer(&a.address()).expect("peer"));
    // Around the moment at which the connection is closed, until that has met many requests.
    let (start, mut ended, mut round) = (Instant::now(), 0, 0);
    while ended < 15 {
        assert!(start.elapsed() < Duration::from_secs(100), "idle {ended} times only");
        tokio::join!(ask(&a, &of_a), ask(&b, &of_b));
        let connection = of_a.connection();
        round += 1;
        tokio::time::sleep(Duration::from_millis(35 + round * 7 % 20)).await;
        ended += usize::from(connection.is_none_or(|connection| !connection.is_live()));
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_refused_before_a_stream_was_accepted_is_made_again() {
    let a = endpoint_with(quick()).await;
    for promise in codes::PROMISES {
        let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
        let address = raw.address();
        // Side by side: a connection that another one replaced at once brings no stream.
        let seen = AtomicUsize::new(0);
        let serve = |connection: Connection| {
            let seen = &seen;
            async move {
                let (send, recv) = connection.accept_bi().await.ok()?;
                let mut stream = RawStream { send, recv };
                stream.hears(b"\"Tcp\"\n").await;
                if seen.fetch_add(1, Ordering::Relaxed) < 3 {
                    connection.close(code(u32::try_from(promise).expect("small")), b"");
                    return None;
                }
                stream.say(b"ack\n").await;
                Some(connection)
            }
        };
        let peer = async {
            let mut serving = FuturesUnordered::new();
            let mut accepting = pin!(raw.accept());
            loop {
                tokio::select! {
                    connection = &mut accepting => {
                        serving.push(serve(connection));
                        accepting.set(raw.accept());
                    }
                    Some(Some(connection)) = serving.next() => return connection,
                }
            }
        };
        let (opened, connection) = tokio::join!(open_at(&a, &address, &Protocol::Tcp, USUAL), peer);
        opened.expect("a stream at last");
        drop(connection);
        raw.close().await;
    }
    close(&[&a]).await;
}

/// A handler that fails before the ack of its stream is sent resets the stream. If the close of a replaced connection overtook the
/// reset, the peer would open the stream again, and a second handler would get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_arrives_before_the_close_of_a_replaced_connection() {
    for _ in 0..10 {
        let a = endpoint().await;
        let listener = a.listen(None, &[Protocol::Tcp], false).expect("listen");
        // The connection that the smaller key dialled wins.
        let raw = loop {
            let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
            if raw.id() < a.id() {
                break raw;
            }
            raw.close().await;
        };
        let peer = a.peer(&raw.address()).expect("peer");
        let (guard, theirs) = tokio::join!(soon(a.connect(&peer, GENEROUS)), raw.accept());
        let mut stream = RawStream::start(&theirs, b"\"Tcp\"\nhello").await;
        let mut incoming = soon(listener.accept()).await.expect("stream");
        drop(guard);
        let _newer = raw.dial(&a, Alpn::FastnNet).await;
        let mut challenge = RawStream::accept(&theirs).await;
        challenge.hears(b"\"Ping\"\n").await;
        challenge.end(b"ack\npong\n").await;
        until("the newer one wins", || peer.connection().is_some_and(|connection| !connection.is_dialled())).await;
        tokio::spawn(async move { incoming.stream.abandon(reset::HANDLER_FAILED) });
        assert_eq!(stream.hears_reset().await, reset::HANDLER_FAILED);
        let ConnectionError::ApplicationClosed(told) = soon(theirs.closed()).await else { panic!("not closed") };
        assert_eq!(u64::from(told.error_code), codes::SUPERSEDED);
        raw.close().await;
        close(&[&a]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_let_us_in_is_not_dialled_again() {
    // An attempt that a busy machine delays must not end early: the next one would be a second dial.
    let connect = Connect { attempt_timeout: GENEROUS, ..quick().connect };
    let a = endpoint_with(quick().with_connect(connect)).await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = a.peer(&raw.address()).expect("peer");
    let _keep = peer.keep().expect("open");
    soon(refuse(&raw)).await;
    until("refused", || peer.status().last_error.is_some_and(|error| error.code() == Code::Unauthorized)).await;
    let again = tokio::time::timeout(Duration::from_millis(500), raw.accept()).await;
    assert!(again.is_err(), "dialled again");
    // A later call fails.
    let line = header(&Protocol::Tcp);
    let (opened, ()) = tokio::join!(soon(a.get_stream(&peer, &line, USUAL)), soon(refuse(&raw)));
    assert_eq!(opened.expect_err("refused").code(), Code::Unauthorized);
    raw.close().await;
    close(&[&a]).await;
}

async fn refuse(raw: &Raw) {
    let connection = raw.accept().await;
    connection.close(code(u32::try_from(codes::UNAUTHORIZED).expect("small")), b"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_endpoints_with_one_key_lose_no_stream() {
    let a = endpoint_with(quick()).await;
    echo(&a, &[Protocol::Tcp]);
    let secret = SecretKey::generate();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (one, other) = (at(&secret, any).await, at(&secret, any).await);
    let asking = async |from: &Endpoint| {
        echo(from, &[Protocol::Tcp]);
        let peer = from.peer(&a.address()).expect("peer");
        for _ in 0..100 {
            ask(from, &peer).await;
        }
    };
    tokio::join!(asking(&one), asking(&other));
    let peer = a.peer(&one.address()).expect("peer");
    ask(&a, &peer).await;
    close(&[&one, &other, &a]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_actor_outlives_its_endpoint_or_its_use() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let nobody = PeerAddress::new(SecretKey::generate().public());
    let nobody = PeerAddress { addresses: vec![SocketAddr::from(([127, 0, 0, 1], 9))], ..nobody };
    let (peer, dead) = (a.peer(&b.address()).expect("peer"), a.peer(&nobody).expect("peer"));
    ask(&a, &peer).await;
    let _keep = dead.keep().expect("open");
    let weak = Arc::downgrade(&peer);
    drop(peer);
    close(&[&a]).await;
    until("its actor is gone", || weak.upgrade().is_none()).await;
    assert_eq!(dead.status().state, PeerState::Closed);

    let c = endpoint_with(short()).await;
    let peer = c.peer(&b.address()).expect("peer");
    ask(&c, &peer).await;
    let weak = Arc::downgrade(&peer);
    drop(peer);
    until("nobody is interested in it", || weak.upgrade().is_none()).await;
    close(&[&b, &c]).await;
}
