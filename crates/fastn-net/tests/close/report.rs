//! Results of a close for callers and peers.

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use super::LIMIT;
use crate::support::{
    GENEROUS, USUAL, close, echo, endpoint_with, exchange, header, kulfi_endpoint, limits, live_connection,
    once_within, open, pair, raw::Raw, read_until_error, soon, until, waits, write_all,
};
use fastn_net::{CloseReport, Code, Protocol, Result, wire::alpn::Alpn};
use futures_util::future::join_all;
use iroh::endpoint::ConnectionError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_is_idempotent_and_shared() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    let clone = a.clone();
    let reports = soon(join_all([a.close(LIMIT), clone.close(Duration::ZERO), a.close(LIMIT)])).await;
    assert!(reports.iter().all(CloseReport::is_clean), "{reports:?}");
    assert!(soon(a.close(LIMIT)).await.is_clean());
    close(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_future_does_not_cancel_the_close() {
    let (a, b) = pair().await;
    let inbound = b.listen_connections().expect("inbound");
    echo(&b, &[Protocol::Tcp]);
    let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    let guard = soon(poll_fn(|cx| inbound.poll_accept(cx))).await.expect("connection");
    {
        // Polled once. On a busy machine, closing may be complete already.
        let mut closing = Box::pin(a.close(LIMIT));
        waits(&mut closing).await;
    }
    let info = soon(guard.closed()).await;
    assert_eq!((info.code, info.by), (0x103, fastn_net::ClosedBy::Peer));
    assert!(soon(a.close(LIMIT)).await.is_clean());
    close(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_close_every_call_fails_as_closed() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let listener = a.listen(None, &[Protocol::Tcp], false).expect("listen");
    let inbound = a.listen_connections().expect("inbound");
    let peer = a.peer(&b.address()).expect("peer");
    let guard = soon(a.connect(&peer, GENEROUS)).await.expect("connection");
    let mut stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    close(&[&a]).await;

    let closed = |what: &str, result: Result<()>| match result {
        Ok(()) => panic!("{what} went on"),
        Err(error) => assert_eq!(error.code(), Code::Closed, "{what}: {error}"),
    };
    closed("peer", a.peer(&b.address()).map(drop));
    closed("getStream", soon(a.get_stream(&peer, &header(&Protocol::Tcp), USUAL)).await.map(drop));
    closed("connect", soon(a.connect(&peer, GENEROUS)).await.map(drop));
    closed("ping", soon(a.ping(&peer, GENEROUS)).await.map(drop));
    closed("openBi", soon(a.open_bi(&guard, &header(&Protocol::Tcp), USUAL)).await.map(drop));
    closed("connection", a.connection(guard.id()).map(drop));
    closed("listen", a.listen(None, &[Protocol::Http], false).map(drop));
    closed("inbound", a.listen_connections().map(drop));
    closed("accept", soon(listener.accept()).await.map(drop));
    closed("the next connection", soon(poll_fn(|cx| inbound.poll_accept(cx))).await.map(drop));
    closed("write", write_all(&mut stream, b"x").await);
    closed("read", Err(read_until_error(&mut stream).await.1));
    assert_eq!(guard.close_reason().map(|info| (info.code, info.by)), Some((0x103, fastn_net::ClosedBy::Local)));
    close(&[&b]).await;
}

/// A socket that receives packets and answers none.
fn silent_peer() -> (std::net::UdpSocket, fastn_net::PeerAddress) {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
    let address = fastn_net::PeerAddress::new(fastn_net::SecretKey::generate().public());
    let address = fastn_net::PeerAddress { addresses: vec![socket.local_addr().expect("address")], ..address };
    (socket, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unanswered_dial_does_not_delay_the_close() {
    let attempt_timeout = Duration::from_millis(300);
    let connect = fastn_net::Connect { retries: Some(0), attempt_timeout, ..limits().connect };
    for under_way in [true, false] {
        let closing = async || {
            let a = endpoint_with(limits().with_connect(connect)).await;
            let sockets = a.bound_sockets();
            let (_socket, silent) = silent_peer();
            let peer = a.peer(&silent).expect("peer");
            let mut dialling = Box::pin(a.connect(&peer, GENEROUS));
            assert!(waits(&mut dialling).await);
            if under_way {
                until("it is dialled", || peer.status().state == fastn_net::PeerState::Dialling).await;
            } else {
                soon(&mut dialling).await.expect_err("no answer");
            }
            let started = Instant::now();
            assert!(soon(a.close(LIMIT)).await.is_clean());
            soon(a.ports_released()).await;
            let took = started.elapsed();
            std::net::UdpSocket::bind(sockets[0]).expect("the port is free");
            took
        };
        once_within(Duration::from_millis(500), closing).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connected_peers_learn_of_the_close_despite_an_unanswered_dial() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let connection = live_connection(&b.peer(&a.address()).expect("peer")).await;
    let (_socket, silent) = silent_peer();
    let peer = a.peer(&silent).expect("peer");
    let mut dialling = Box::pin(a.connect(&peer, GENEROUS));
    assert!(waits(&mut dialling).await);
    until("it is dialled", || peer.status().state == fastn_net::PeerState::Dialling).await;
    drop(stream);
    let started = Instant::now();
    soon(a.close(LIMIT)).await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let info = soon(connection.closed()).await;
    assert_eq!((info.code, info.by), (0x103, fastn_net::ClosedBy::Peer));
    close(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_learn_of_the_close_at_once() {
    for alpn in Alpn::ALL {
        let endpoint = kulfi_endpoint(limits()).await;
        let _listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        // The endpoint's half of the handshake may not be over yet.
        let theirs = raw.dial(&endpoint, alpn).await;
        let expected = if alpn == Alpn::FastnNet { 0x103 } else { 0 };
        soon(endpoint.close(LIMIT)).await;
        let ended = soon(theirs.closed()).await;
        let ConnectionError::ApplicationClosed(told) = ended else { panic!("{ended}") };
        assert_eq!(u64::from(told.error_code), expected);
        raw.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_now_does_not_prevent_a_close() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let guard = soon(a.connect(&a.peer(&b.address()).expect("peer"), GENEROUS)).await.expect("connection");
    a.close_now();
    soon(guard.closed()).await;
    close(&[&a, &b]).await;
}
