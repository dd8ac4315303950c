//! Unused and kept connections.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use fastn_net::{
    Code, PeerAddress, PeerState, Protocol, SecretKey,
    wire::{alpn::Alpn, codes::close as codes},
};

use super::{
    ask, at, quick, short,
    support::{
        GENEROUS, ONCE, USUAL, close, echo, endpoint, endpoint_with, header, introduce, open, pair, raw::Frozen, soon,
        until, write_all,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_peer_is_redialled_and_never_idle() {
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
    until("the peer is unused", || peer.status().state == PeerState::Idle && !peer.status().kept).await;
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
    // Around the moment when the connection is closed, until the close has met many requests.
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
async fn no_actor_outlives_its_endpoint_or_its_use() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let absent = PeerAddress::new(SecretKey::generate().public());
    let absent = PeerAddress { addresses: vec![SocketAddr::from(([127, 0, 0, 1], 9))], ..absent };
    let (peer, dead) = (a.peer(&b.address()).expect("peer"), a.peer(&absent).expect("peer"));
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
    until("the peer is forgotten", || weak.upgrade().is_none()).await;
    close(&[&b, &c]).await;
}
