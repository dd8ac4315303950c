//! Closing an endpoint: graceful, bounded in time, shared by all callers, without leaks.

mod support;

use std::{
    future::poll_fn,
    sync::Arc,
    time::{Duration, Instant},
};

use fastn_net::{
    CloseReport, Code, Endpoint, Listener, Protocol, Result, Stream,
    wire::{alpn::Alpn, codes::close as codes},
};
use futures_util::future::join_all;
use iroh::endpoint::ConnectionError;
use support::{
    GENEROUS, LATER, ONCE, USUAL, close, echo, endpoint, endpoint_with, exchange, header, incoming, introduce,
    kulfi_endpoint, limits, live_connection, once_within, open, open_at, pair, pattern,
    raw::{Frozen, Raw, RawStream},
    read_to_end, read_until_error, soon, stream, until, waits, write_all,
};
use tokio::{runtime::Handle, sync::oneshot};

const LIMIT: Duration = Duration::from_secs(5);

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

/// Finishes streams and closes the endpoint at once. The other side gets every byte.
async fn finished_streams_arrive(options: fastn_net::OpenOptions, late: bool) {
    const ROUNDS: usize = 20;
    let b = endpoint().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let bytes = Arc::new(pattern(64 * 1024));
    for round in 0..ROUNDS {
        let a = endpoint().await;
        let peer = a.peer(&b.address()).expect("peer");
        let (closed, a_is_closed) = oneshot::channel();
        let sending = async {
            for _ in 0..4 {
                let mut stream = soon(a.get_stream(&peer, &header(&Protocol::Tcp), options)).await.expect("stream");
                write_all(&mut stream, &bytes).await.expect("write");
                stream.finish();
                drop(stream);
            }
            assert!(soon(a.close(LIMIT)).await.is_clean(), "round {round}");
            let _ = closed.send(());
        };
        let receiving = async {
            if late {
                a_is_closed.await.expect("sender");
            }
            for _ in 0..4 {
                let mut stream = incoming(&listener).await.stream;
                let got = read_to_end(&mut stream).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
                assert!(got == *bytes, "round {round}: {} bytes", got.len());
            }
        };
        tokio::join!(sending, receiving);
    }
    close(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_finished_arrives_whole() {
    tokio::join!(finished_streams_arrive(USUAL, false), finished_streams_arrive(LATER, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_finished_arrives_whole_even_if_it_is_read_late() {
    tokio::join!(finished_streams_arrive(USUAL, true), finished_streams_arrive(LATER, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_answer_arrives_whole() {
    for _ in 0..20 {
        let (a, b) = pair().await;
        let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
        let (mut asking, mut answering) = stream(&a, &b, &Protocol::Tcp, &listener).await;
        let bytes = pattern(256 * 1024);
        write_all(&mut answering, &bytes).await.expect("write");
        answering.finish();
        assert!(soon(b.close(LIMIT)).await.is_clean());
        assert!(read_to_end(&mut asking).await.expect("answer") == bytes);
        close(&[&a]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_acknowledges_delays_the_close_to_its_limit() {
    let a = endpoint().await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&a, &address, &Protocol::Tcp, LATER), async { raw.accept().await });
    let mut stream = opened.expect("stream");
    write_all(&mut stream, b"never acknowledged").await.expect("write");
    stream.finish();
    let started = Instant::now();
    let report = soon(a.close(Duration::from_millis(300))).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // QUIC acknowledges the bytes. The ack of the header is missing.
    assert_eq!(report.unacknowledged, 1);
    drop(connection);
    raw.close().await;
}

/// A stream to a peer that is frozen before it could acknowledge the end.
async fn frozen_stream(a: &Endpoint) -> (Stream, Frozen) {
    let (peer, frozen) = Frozen::start(Alpn::FastnNet, b"\"Tcp\"\n").await;
    let mut stream = open_at(a, &peer.address, &Protocol::Tcp, USUAL).await.expect("stream");
    write_all(&mut stream, b"freeze").await.expect("write");
    soon(frozen).await.expect("frozen");
    write_all(&mut stream, b"the rest").await.expect("write");
    stream.finish();
    (stream, peer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unacknowledged_streams_are_counted() {
    let a = endpoint().await;
    let (_stream, peer) = frozen_stream(&a).await;
    // Neither its header nor its bytes are acknowledged: it counts once.
    let mut unseen = open_at(&a, &peer.address, &Protocol::Tcp, LATER).await.expect("stream");
    unseen.finish();
    assert_eq!(soon(a.close(Duration::from_millis(300))).await.unacknowledged, 2);
    peer.thaw().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_future_stops_nothing() {
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
async fn afterwards_everything_is_closed() {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_opens_while_the_endpoint_closes() {
    let a = endpoint().await;
    let listener = a.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&a, &address, &Protocol::Tcp, LATER), async { raw.accept().await });
    // The missing acknowledgement keeps it closing.
    let mut stream = opened.expect("stream");
    stream.finish();
    let peer = a.peer(&address).expect("peer");
    let held = a.connection(stream.connection().id()).expect("connection");
    let closing = a.close(GENEROUS);
    // From the call on, even before the future is polled.
    let header = header(&Protocol::Tcp);
    let refused = |what: &str, opened: Result<Option<Stream>>| match opened {
        Ok(opened) => panic!("{what} opened {opened:?}"),
        Err(error) => assert_eq!(error.code(), Code::Closed, "{what}: {error}"),
    };
    for options in [LATER, USUAL, ONCE] {
        refused("tryOpen", a.try_open(&peer, &header, options));
        refused("open", soon(a.get_stream(&peer, &header, options)).await.map(Some));
        refused("openBi", soon(a.open_bi(&held, &header, options)).await.map(Some));
        refused("the connection", held.try_open(&header, options));
    }
    until("the listener is told", || listener_is_closed(&listener)).await;
    assert!(held.is_live());
    refused("openBi", soon(a.open_bi(&held, &header, LATER)).await.map(Some));
    assert_eq!(soon(a.connect(&peer, GENEROUS)).await.expect_err("closing").code(), Code::Closed);
    assert_eq!(soon(a.ping(&peer, GENEROUS)).await.expect_err("closing").code(), Code::Closed);
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("shutdown").await;
    RawStream::start(&connection, b"\"Tcp\"\n").await.is_refused("shutdown").await;
    raw.close().await;
    soon(closing).await;
}

fn listener_is_closed(listener: &Listener) -> bool {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    matches!(listener.poll_accept(&mut cx, 1), std::task::Poll::Ready(Err(_)))
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
                soon(&mut dialling).await.expect_err("nobody answers");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_waiter_for_an_acknowledgement_gets_it() {
    let a = endpoint().await;
    let (stream, peer) = frozen_stream(&a).await;
    let connection = stream.connection().clone();
    let mut closing = Box::pin(a.close(LIMIT));
    assert!(waits(&mut closing).await);
    until("it is closing", || a.peer(&peer.address).is_err()).await;
    // Two waiters beside the close. None resolves before the peer has acknowledged.
    let mut one = Box::pin(connection.delivered(stream.id()));
    let mut two = Box::pin(connection.delivered(stream.id()));
    for _ in 0..20 {
        assert!(waits(&mut one).await && waits(&mut two).await, "acknowledged by a frozen peer");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (read, one, two, left) = tokio::join!(peer.thaw(), soon(one), soon(two), soon(closing));
    one.expect("acknowledged");
    two.expect("acknowledged");
    assert_eq!((&read[..], left), (&b"the rest"[..], CloseReport::default()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_can_be_awaited_on_a_retired_connection() {
    let a = endpoint_with(limits().with_idle_timeout(Duration::from_millis(100))).await;
    let (stream, frozen) = frozen_stream(&a).await;
    let (connection, id) = (stream.connection().clone(), stream.id());
    drop(stream);
    let peer = a.peer(&frozen.address).expect("peer");
    until("nothing uses it", || peer.connection().is_none()).await;
    assert!(connection.is_live(), "it waits for the acknowledgement");
    let mut waiting = Box::pin(a.delivered(connection.id(), id));
    assert!(waits(&mut waiting).await);
    frozen.thaw().await;
    soon(waiting).await.expect("acknowledged");
    until("the connection has ended", || !a.has_connection(&connection)).await;
    soon(a.delivered(connection.id(), id)).await.expect("still known");
    let unknown = soon(a.delivered(u64::MAX, id)).await.expect_err("no such connection");
    assert_eq!(unknown.code(), Code::Closed, "{unknown}");
    close(&[&a]).await;
    soon(a.delivered(connection.id(), id)).await.expect("known after the close");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_its_connection_took_with_it_was_not_acknowledged() {
    let a = endpoint().await;
    let (stream, frozen) = frozen_stream(&a).await;
    let (connection, id) = (stream.connection().clone(), stream.id());
    drop(stream);
    connection.close(7, "enough");
    until("the connection has ended", || !a.has_connection(&connection)).await;
    let lost = soon(a.delivered(connection.id(), id)).await.expect_err("lost");
    assert_eq!(lost.code(), Code::ConnectionLost, "{lost}");
    drop(frozen);
    close(&[&a]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_behind() {
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
        let nobody = fastn_net::PeerAddress::new(fastn_net::SecretKey::generate().public());
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
        let nobody = fastn_net::PeerAddress { addresses: vec![silent.local_addr().expect("address")], ..nobody };
        let unreachable = a.peer(&nobody).expect("peer");
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
async fn draining_refuses_new_streams_and_lets_running_ones_continue() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let inbound = b.listen_connections().expect("inbound");
    let (mut asking, mut answering) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    // An acknowledged stream that was not taken is still handed out.
    let waiting = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("acknowledged");
    b.drain();
    b.drain();

    let refused = open(&a, &b, &Protocol::Tcp, USUAL).await.expect_err("refused");
    assert_eq!(refused.code(), Code::ShuttingDown, "{refused}");
    let unserved = open(&a, &b, &Protocol::Http, USUAL).await.expect_err("refused");
    assert_eq!(unserved.code(), Code::ShuttingDown, "{unserved}");
    let stranger = Raw::bind(&[]).await;
    let turned_away = stranger.dial(&b, Alpn::FastnNet).await;
    let ConnectionError::ApplicationClosed(told) = soon(turned_away.closed()).await else { panic!("a new connection") };
    assert_eq!(u64::from(told.error_code), codes::SHUTDOWN);
    stranger.close().await;
    let listening = b.listen(None, &[Protocol::Http], false).map(drop).expect_err("drains");
    assert_eq!(listening.code(), Code::ShuttingDown, "{listening}");

    assert_eq!(incoming(&listener).await.stream.id(), waiting.id());
    assert_eq!(soon(listener.accept()).await.expect_err("the end").code(), Code::Closed);
    soon(poll_fn(|cx| inbound.poll_accept(cx))).await.expect("the connection of before");
    assert_eq!(soon(poll_fn(|cx| inbound.poll_accept(cx))).await.expect_err("the end").code(), Code::Closed);

    // Running handlers continue, and may open streams to other peers.
    let bytes = pattern(100_000);
    write_all(&mut answering, &bytes).await.expect("write");
    answering.finish();
    assert!(read_to_end(&mut asking).await.expect("answer") == bytes);
    let serving = echo(&a, &[Protocol::Tcp]);
    let other = open(&b, &a, &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(exchange(other, b"hello").await.expect("answer"), b"hello");
    soon(a.ping(&a.peer(&b.address()).expect("peer"), GENEROUS)).await.expect("answered");
    close(&[&a, &b]).await;
    soon(serving).await.expect("ends with its endpoint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_waits_for_a_permit_is_refused_on_drain() {
    let a = endpoint().await;
    let b = endpoint_with(limits().with_max_queued_streams(1)).await;
    introduce(&a, &b);
    let _listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let _taken = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let mut waiting = Box::pin(open(&a, &b, &Protocol::Tcp, USUAL));
    assert!(waits(&mut waiting).await);
    b.drain();
    assert_eq!(soon(waiting).await.expect_err("refused").code(), Code::ShuttingDown);
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
