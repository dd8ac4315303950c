//! Finished streams are delivered before the close.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::LIMIT;
use crate::support::{
    LATER, USUAL, close, endpoint, endpoint_with, header, incoming, limits, open_at, pair, pattern,
    raw::{Frozen, Raw},
    read_to_end, soon, stream, until, waits, write_all,
};
use fastn_net::{CloseReport, Code, Endpoint, Protocol, Stream, wire::alpn::Alpn};
use tokio::sync::oneshot;

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
async fn finished_streams_arrive_complete() {
    tokio::join!(finished_streams_arrive(USUAL, false), finished_streams_arrive(LATER, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finished_streams_arrive_complete_even_if_read_late() {
    tokio::join!(finished_streams_arrive(USUAL, true), finished_streams_arrive(LATER, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_answer_arrives_complete() {
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
async fn a_stream_lost_with_its_connection_was_not_acknowledged() {
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
