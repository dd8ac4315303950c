//! Peers: one connection per pair, regardless of the dialler; errors of unreachable peers.

mod support;

use std::{
    net::SocketAddr,
    task::{Context, Waker},
    time::Duration,
};

use fastn_net::{
    Code, Config, Connect, Connection, ConnectionListener, CustomNetwork, Endpoint, Network, PeerAddress, Protocol,
    SecretKey, wire::alpn::Alpn,
};
use futures_util::future::join_all;
use support::{
    GENEROUS, ONCE, USUAL, close, config, echo, endpoint, endpoint_with, exchange, header, incoming, limits,
    live_connection, next_connection, open, open_at, pair,
    raw::{Raw, RawStream},
    read_to_end, soon, stream, until, write_all,
};
use tokio::task::JoinSet;

fn no_more(inbound: &ConnectionListener) {
    assert!(inbound.poll_accept(&mut Context::from_waker(Waker::noop())).is_pending(), "another connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_share_one_dial() {
    let (a, b) = pair().await;
    let inbound = b.listen_connections().expect("inbound");
    echo(&b, &[Protocol::Tcp]);
    let exchanges = (0..200).map(|_| async {
        let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
        let id = stream.connection().id();
        assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
        id
    });
    let ids = join_all(exchanges).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "more than one connection: {ids:?}");
    next_connection(&inbound).await;
    no_more(&inbound);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_share_the_connection_of_either_dialler() {
    let (a, b) = pair().await;
    let (into_a, into_b) = (a.listen_connections().expect("inbound"), b.listen_connections().expect("inbound"));
    let (of_a, of_b) = [&a, &b].map(|e| e.listen(None, &[Protocol::Tcp], false).expect("listen")).into();
    let (forth, _forth) = stream(&a, &b, &Protocol::Tcp, &of_b).await;
    assert!(forth.connection().is_dialled());
    let (mut back, mut at_a) = stream(&b, &a, &Protocol::Tcp, &of_a).await;
    assert!(!back.connection().is_dialled());
    assert_eq!(at_a.connection().id(), forth.connection().id());
    write_all(&mut back, b"over your connection").await.expect("write");
    back.finish();
    assert_eq!(read_to_end(&mut at_a).await.expect("bytes"), b"over your connection");
    soon(b.ping(&b.peer(&a.address()).expect("peer"), GENEROUS)).await.expect("pong");
    next_connection(&into_b).await;
    no_more(&into_b);
    no_more(&into_a);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_to_older_peers_use_only_connections_that_we_dialled() {
    let endpoint = endpoint().await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    let inbound = endpoint.listen_connections().expect("inbound");
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let theirs = raw.dial(&endpoint, Alpn::Entity).await;
    let guard = next_connection(&inbound).await;
    assert!(!guard.can_open());
    let refused = soon(endpoint.open_bi(&guard, &header(&Protocol::Http), USUAL)).await;
    assert_eq!(refused.expect_err("not on theirs").code(), Code::InvalidArgument);

    let address = raw.address();
    let acceptor = async {
        let ours = raw.accept().await;
        let mut other = RawStream::accept(&ours).await;
        other.hears(b"\"Http\"\n").await;
        other.say(b"ack\n").await;
        ours
    };
    let (opened, ours) = tokio::join!(open_at(&endpoint, &address, &Protocol::Http, USUAL), acceptor);
    assert!(opened.expect("stream").connection().is_dialled());
    // Both stay in use: each side opens streams on the one it dialled.
    let mut other = RawStream::start(&theirs, b"\"Http\"\n").await;
    other.hears(b"ack\n").await;
    incoming(&listener).await;
    assert!(ours.close_reason().is_none() && theirs.close_reason().is_none());
    raw.close().await;
    close(&[&endpoint]).await;
}

/// The connections of one side, as far as its streams have shown them.
fn live(connections: &[Connection]) -> Vec<u64> {
    let mut ids: Vec<u64> = connections.iter().filter(|c| c.is_live()).map(Connection::id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_dials_settle_on_one_connection_and_lose_no_stream() {
    const ROUNDS: usize = 200;
    const STREAMS: usize = 8;
    let mut contested = 0;
    let mut closing = JoinSet::new();
    for round in 0..ROUNDS {
        let (a, b) = pair().await;
        for endpoint in [&a, &b] {
            echo(endpoint, &[Protocol::Tcp]);
        }
        let (of_a, of_b) = (a.peer(&b.address()).expect("peer"), b.peer(&a.address()).expect("peer"));
        let requests = async |from: &Endpoint, to: &fastn_net::Peer| {
            let requests = (0..STREAMS).map(|at| async move {
                for _ in 0..at {
                    tokio::task::yield_now().await;
                }
                let opened = soon(from.get_stream(to, &header(&Protocol::Tcp), USUAL)).await;
                let stream = opened.unwrap_or_else(|error| panic!("round {round}, opening: {error}"));
                let connection = stream.connection().clone();
                let answer = exchange(stream, b"hello").await;
                assert_eq!(answer.unwrap_or_else(|error| panic!("round {round}, answer: {error}")), b"hello");
                connection
            });
            join_all(requests).await
        };
        let (from_a, from_b) = tokio::join!(requests(&a, &of_a), requests(&b, &of_b));
        let state = || (of_a.connection(), live(&from_a), of_b.connection(), live(&from_b));
        let agreed = || match state() {
            (Some(one), live_of_a, Some(other), live_of_b) => {
                one.is_dialled() != other.is_dialled()
                    && live_of_a.iter().all(|id| *id == one.id())
                    && live_of_b.iter().all(|id| *id == other.id())
            }
            _ => false,
        };
        let settling = async {
            while !agreed() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let settled = tokio::time::timeout(Duration::from_secs(20), settling).await;
        assert!(settled.is_ok(), "round {round}: more than one connection is left: {:?}", state());
        contested += usize::from(from_a.iter().chain(&from_b).any(|connection| !connection.is_live()));
        closing.spawn(async move { close(&[&a, &b]).await });
    }
    soon(closing.join_all()).await;
    assert!(contested > 0, "no round had two connections: this test shows nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_came_back_with_its_key_is_reached_again() {
    let secret = SecretKey::generate();
    let a = endpoint().await;
    let mut bind = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    for at in 0..6 {
        let network = Network::Custom(CustomNetwork { bind, ..CustomNetwork::default() });
        let b = loop {
            match Endpoint::bind(secret.clone(), Config { network: network.clone(), ..config(limits()) }).await {
                Ok(endpoint) => break endpoint,
                // The system gives a closed socket's port back a moment later.
                Err(error) => assert_eq!(error.code(), Code::Bind),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        echo(&b, &[Protocol::Tcp]);
        let stream = open_at(&a, &b.address(), &Protocol::Tcp, ONCE).await.expect("stream");
        let connection = stream.connection().clone();
        assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
        // Next time where it was, or elsewhere.
        bind = if at % 2 == 0 { b.bound_sockets() } else { vec![SocketAddr::from(([127, 0, 0, 1], 0))] };
        close(&[&b]).await;
        soon(connection.closed()).await;
    }
    close(&[&a]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_replaced_at_once() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    for at in 0..100 {
        let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
        let connection = stream.connection().clone();
        assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
        if at % 2 == 0 {
            connection.close(0, "on this side");
        } else {
            live_connection(&b.peer(&a.address()).expect("peer")).await.close(0, "on the other");
            soon(connection.closed()).await;
        }
        // Nothing was written to the lost one, so that even a request that is never repeated is served.
        let stream = open(&a, &b, &Protocol::Tcp, ONCE).await.expect("stream");
        assert_eq!(exchange(stream, b"again").await.expect("answer"), b"again");
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_never_repeated_is_answered_or_fails_once() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let peer = b.peer(&a.address()).expect("peer");
    let mut failed = 0;
    for _ in 0..50 {
        let requests = (0..8).map(|_| async {
            let stream = open(&a, &b, &Protocol::Tcp, ONCE).await?;
            exchange(stream, b"hello").await
        });
        let breaking = async {
            tokio::task::yield_now().await;
            peer.connection().inspect(|connection| connection.close(0, "cut"));
        };
        let (answers, ()) = tokio::join!(join_all(requests), breaking);
        for answer in answers {
            match answer {
                Ok(bytes) => assert_eq!(bytes, b"hello"),
                Err(error) => {
                    assert_eq!(error.code(), Code::ConnectionLost, "{error}");
                    failed += 1;
                }
            }
        }
    }
    assert!(failed < 400, "nothing was answered");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_peer_is_unreachable() {
    let a = endpoint_with(
        limits().with_connect(Connect { attempt_timeout: Duration::from_millis(500), ..limits().connect }),
    )
    .await;
    let absent = SecretKey::generate().public();
    let error = open_at(&a, &PeerAddress::new(absent), &Protocol::Tcp, USUAL).await.expect_err("unreachable");
    assert_eq!(error.code(), Code::Unreachable);
    assert!(error.message().contains("no address of it is known"), "{error}");

    // A socket that never answers. It keeps the port, so no other socket answers either.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
    let at = silent.local_addr().expect("address");
    let address = PeerAddress { addresses: vec![at], ..PeerAddress::new(absent) };
    let error = open_at(&a, &address, &Protocol::Tcp, ONCE).await.expect_err("unreachable");
    assert_eq!(error.code(), Code::Unreachable);
    assert!(error.message().contains(&at.to_string()), "{error}");
    assert!(error.message().contains(&absent.to_string()), "{error}");

    // Another peer answers there.
    let b = endpoint().await;
    echo(&b, &[Protocol::Tcp]);
    let wrong = SecretKey::generate().public();
    let address = PeerAddress { id: wrong, ..b.address() };
    let error = open_at(&a, &address, &Protocol::Tcp, ONCE).await.expect_err("another");
    assert_eq!(error.code(), Code::Unreachable, "{error}");
    let stream = open_at(&a, &b.address(), &Protocol::Tcp, USUAL).await.expect("the right one");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    close(&[&a, &b]).await;
}

#[tokio::test]
async fn an_endpoint_cannot_dial_itself() {
    let a = endpoint().await;
    echo(&a, &[Protocol::Tcp]);
    let error = open(&a, &a, &Protocol::Tcp, USUAL).await.expect_err("itself");
    assert_eq!(error.code(), Code::PeerAddress);
    close(&[&a]).await;
}

#[tokio::test]
async fn a_peer_without_a_listener_is_reached_once_it_listens() {
    let (a, b) = pair().await;
    let error = open(&a, &b, &Protocol::Tcp, ONCE).await.expect_err("nothing listens");
    assert_eq!(error.code(), Code::Unreachable);
    assert!(error.message().contains("listens for nothing"), "{error}");
    // A waiter gets the stream as soon as it arrives.
    let mut waiting = Box::pin(open(&a, &b, &Protocol::Tcp, USUAL));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err());
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    drop(waiting.await.expect("stream"));
    // The connection stays open. The protocol is free once its listener is dropped.
    drop(listener);
    let error = open(&a, &b, &Protocol::Tcp, USUAL).await.expect_err("listener gone");
    assert_eq!((error.code(), error.remote_code()), (Code::ProtocolUnsupported, Some("unsupported")));
    let c = endpoint().await;
    let error = open_at(&c, &b.address(), &Protocol::Tcp, ONCE).await.expect_err("nothing listens");
    assert_eq!(error.code(), Code::Unreachable);
    close(&[&a, &b, &c]).await;
}

#[tokio::test]
async fn a_peer_with_another_alpn_is_recognized() {
    let a = endpoint().await;
    let raw = Raw::bind(&[b"/another/1"]).await;
    let address = raw.address();
    tokio::select! {
        opened = open_at(&a, &address, &Protocol::Tcp, USUAL) => {
            assert_eq!(opened.expect_err("another ALPN").code(), Code::ProtocolUnsupported);
        }
        () = raw.refuses_handshakes() => {}
    }
    raw.close().await;
    close(&[&a]).await;
}

#[tokio::test]
async fn a_guard_keeps_its_connection_until_dropped() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let peer = a.peer(&b.address()).expect("peer");
    let guard = soon(a.connect(&peer, GENEROUS)).await.expect("connection");
    assert_eq!((guard.active_count(), guard.remote(), guard.alpn()), (1, b.id(), Alpn::FastnNet));
    assert!(guard.rtt().is_some() && guard.paths().iter().any(|path| path.selected && !path.relay));
    let same = a.connection(guard.id()).expect("live");
    assert_eq!(guard.active_count(), 2);
    drop(same);
    let stream = soon(a.open_bi(&guard, &header(&Protocol::Tcp), USUAL)).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    assert!(guard.stats().bytes_received > 0);
    let id = guard.id();
    guard.close(0, "");
    soon(guard.closed()).await;
    until("it is not listed any more", || a.connection(id).is_err()).await;
    close(&[&a, &b]).await;
}
