//! A close before the process exits, and endpoints that are dropped.

use std::{future::poll_fn, sync::Arc, time::Duration};

use crate::support::{
    GENEROUS, LATER, USUAL, close, echo, endpoint, endpoint_with, exchange, limits, open, open_at, pair, pattern,
    raw::{Raw, RawStream},
    read_to_end, soon, stream, until, waits, write_all,
};
use fastn_net::{Code, Protocol, wire::alpn::Alpn};
use iroh::endpoint::ConnectionError;
use tokio::runtime::Handle;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_leaves_no_task_and_no_peer() {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..5 {
        let (a, b) = pair().await;
        let serving = echo(&b, &[Protocol::Tcp]);
        let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
        assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
        // Work of every kind is in progress.
        let _unfinished = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&b, Alpn::Entity).await;
        let _half_a_header = RawStream::start(&connection, b"\"Tc").await;
        let absent = fastn_net::PeerAddress::new(fastn_net::SecretKey::generate().public());
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
        let absent = fastn_net::PeerAddress { addresses: vec![silent.local_addr().expect("address")], ..absent };
        let unreachable = a.peer(&absent).expect("peer");
        let mut dialling = Box::pin(a.connect(&unreachable, GENEROUS));
        assert!(waits(&mut dialling).await);
        let peers = [Arc::downgrade(&unreachable), Arc::downgrade(&a.peer(&b.address()).expect("peer"))];
        close(&[&a, &b]).await;
        assert_eq!(soon(dialling).await.expect_err("closed").code(), Code::Closed);
        drop(unreachable);
        soon(serving).await.expect("ends with its endpoint");
        until("the peers are gone", || peers.iter().all(|peer| peer.upgrade().is_none())).await;
        raw.close().await;
    }
    until("no task is left", || tasks() <= before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_peer_is_forgotten() {
    let a = endpoint_with(limits().with_idle_timeout(Duration::from_millis(100))).await;
    let b = endpoint().await;
    echo(&b, &[Protocol::Tcp]);
    let peer = a.peer(&b.address()).expect("peer");
    let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    peer.connection().expect("connection").close(0, "");
    drop(stream);
    let weak = Arc::downgrade(&peer);
    drop(peer);
    until("its actor ends", || weak.upgrade().is_none()).await;
    // A new request finds it again.
    let stream = open_at(&a, &b.address(), &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_before_exit_ends_a_concurrent_patient_close() {
    let a = endpoint().await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&a, &address, &Protocol::Tcp, LATER), async { raw.accept().await });
    let mut stream = opened.expect("stream");
    stream.finish();
    // The missing acknowledgement would keep it closing for an hour.
    let mut closing = Box::pin(a.close(Duration::from_hours(1)));
    assert!(waits(&mut closing).await);
    soon(a.close_before_exit(Duration::from_millis(100))).await;
    let ConnectionError::ApplicationClosed(told) = soon(connection.closed()).await else { panic!("not told") };
    assert_eq!(u64::from(told.error_code), 0x103);
    soon(closing).await;
    raw.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_finished_just_before_an_exit_arrive() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut sending, mut receiving) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    write_all(&mut sending, b"last words").await.expect("write");
    sending.finish();
    soon(a.close_before_exit(Duration::from_secs(10))).await;
    assert_eq!(read_to_end(&mut receiving).await.expect("whole"), b"last words");
    close(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_last_endpoint_closes_it() {
    let (a, b) = pair().await;
    let inbound = b.listen_connections().expect("inbound");
    let peer = a.peer(&b.address()).expect("peer");
    let guard = soon(a.connect(&peer, GENEROUS)).await.expect("connection");
    let theirs = soon(poll_fn(|cx| inbound.poll_accept(cx))).await.expect("connection");
    let sockets = a.bound_sockets();
    drop(a.clone());
    soon(a.ping(&peer, GENEROUS)).await.expect("one of two handles was dropped");
    assert!(theirs.is_live());
    drop(a);
    let info = soon(theirs.closed()).await;
    assert_eq!((info.code, info.by), (0x103, fastn_net::ClosedBy::Peer));
    drop((guard, peer));
    until("its port is free", || sockets.iter().all(|at| std::net::UdpSocket::bind(at).is_ok())).await;
    close(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finished_streams_are_delivered_when_the_last_endpoint_is_dropped() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut stream = open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream");
    let bytes = pattern(256 * 1024);
    write_all(&mut stream, &bytes).await.expect("write");
    stream.finish();
    drop((stream, a));
    let mut theirs = soon(listener.accept()).await.expect("stream").stream;
    assert!(soon(read_to_end(&mut theirs)).await.expect("bytes") == bytes);
    drop(theirs);
    close(&[&b]).await;
}
