//! Corking: the first bytes of a stream wait for its end or a flush, so that they travel together. Closing loses none of them.

mod support;

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use fastn_net::{Code, Connection, Endpoint, Listener, OpenOptions, Protocol, Stream, wire::alpn::Alpn};
use support::{
    USUAL, Woken, close, echo, endpoint, endpoint_with, exchange, header, incoming, introduce, limits, open, open_at,
    pair, pattern, raw::Frozen, read_to_end, soon, until, waits, write_all,
};

const LIMIT: Duration = Duration::from_secs(5);

/// Two endpoints, the listener of one, and the other's connection to it, over which a stream has already gone.
async fn connected() -> (Endpoint, Endpoint, Listener, Connection) {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let opened = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    drop(incoming(&listener).await);
    let connection = opened.connection().clone();
    (a, b, listener, connection)
}

/// The same with little room on the connection, and a stream to fill it with.
async fn narrow() -> (Endpoint, Endpoint, Listener, Stream) {
    let a = endpoint().await;
    let b = endpoint_with(limits().with_receive_window(64 * 1024)).await;
    introduce(&a, &b);
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let filling = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    (a, b, listener, filling)
}

/// Fills the connection: it accepts nothing more until the peer reads.
async fn fill(stream: &mut Stream) {
    let block = pattern(16 * 1024);
    while !waits(&mut poll_fn(|cx| stream.poll_write(cx, &block))).await {}
}

fn corked(connection: &Connection) -> Stream {
    let mut stream =
        connection.try_open(&header(&Protocol::Tcp), OpenOptions::default()).expect("connection").expect("stream");
    stream.cork();
    stream
}

async fn arrived(listener: &Listener) -> Vec<u8> {
    let mut stream = incoming(listener).await.stream;
    read_to_end(&mut stream).await.expect("whole")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_stream_is_sent_and_another_waits_for_the_flush() {
    let (a, b, listener, connection) = connected().await;
    let (mut first, mut second) = (corked(&connection), corked(&connection));
    write_all(&mut first, b"fir").await.expect("write");
    write_all(&mut first, b"st").await.expect("write");
    write_all(&mut second, b"second").await.expect("write");
    assert!(first.is_corked());
    first.finish();
    assert_eq!(arrived(&listener).await, b"first");
    soon(connection.delivered(first.id())).await.expect("acknowledged");
    assert!(second.is_corked());
    second.try_flush();
    assert!(!second.is_corked());
    let mut other = incoming(&listener).await.stream;
    write_all(&mut second, b", and more").await.expect("write");
    second.finish();
    assert_eq!(read_to_end(&mut other).await.expect("whole"), b"second, and more");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deferred_write_can_be_awaited() {
    let (a, b, listener, connection) = connected().await;
    let mut stream = corked(&connection);
    write_all(&mut stream, b"last words").await.expect("write");
    stream.finish();
    let (acknowledged, got) = tokio::join!(soon(connection.delivered(stream.id())), arrived(&listener));
    acknowledged.expect("acknowledged");
    assert_eq!(got, b"last words");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_deferred_writes() {
    for _ in 0..20 {
        let (a, b, listener, connection) = connected().await;
        let mut stream = corked(&connection);
        write_all(&mut stream, b"last words").await.expect("write");
        stream.finish();
        drop(stream);
        let (left, got) = tokio::join!(soon(a.close(LIMIT)), arrived(&listener));
        assert_eq!((left.unacknowledged, got.as_slice()), (0, b"last words".as_slice()));
        close(&[&b]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corked_bytes_that_are_lost_with_their_connection_are_an_error() {
    let (a, b, _listener, connection) = connected().await;
    let mut stream = corked(&connection);
    write_all(&mut stream, b"too late").await.expect("write");
    connection.close(0, "");
    soon(connection.closed()).await;
    // The task that would have sent the bytes has ended.
    until("it left the endpoint", || !a.has_connection(&connection)).await;
    stream.finish();
    let error = soon(poll_fn(|cx| stream.poll_flush(cx))).await.expect_err("lost");
    assert_eq!(error.code(), Code::ConnectionLost);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_sends_the_corked_bytes_first() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let opened = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let mut stream = corked(opened.connection());
    write_all(&mut stream, b"gathered, ").await.expect("write");
    let mut byte = [0];
    // The echo answers only at the end: this read waits, and sends the corked bytes.
    assert!(waits(&mut poll_fn(|cx| stream.poll_read(cx, &mut byte))).await);
    assert!(!stream.is_corked());
    assert_eq!(exchange(stream, b"and not").await.expect("answer"), b"gathered, and not");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_are_too_large_for_the_cork_are_sent_at_once() {
    let (a, b, listener, connection) = connected().await;
    let bytes = pattern(100_000);
    let mut stream = corked(&connection);
    write_all(&mut stream, &bytes[..10]).await.expect("write");
    write_all(&mut stream, &bytes[10..]).await.expect("write");
    stream.finish();
    assert!(arrived(&listener).await == bytes);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_lost_with_a_connection_during_the_close_are_counted() {
    let a = endpoint().await;
    let (peer, frozen) = Frozen::start(Alpn::FastnNet, b"\"Tcp\"\n").await;
    let mut stream = open_at(&a, &peer.address, &Protocol::Tcp, USUAL).await.expect("stream");
    write_all(&mut stream, b"freeze").await.expect("write");
    soon(frozen).await.expect("frozen");
    let connection = stream.connection().clone();
    let mut left = corked(&connection);
    write_all(&mut left, b"left").await.expect("write");
    left.finish();
    stream.finish();
    let mut closing = Box::pin(a.close(LIMIT));
    assert!(waits(&mut closing).await);
    until("both are being written", || a.peers().is_empty()).await;
    connection.close(0, "lost");
    assert_eq!(soon(closing).await.unacknowledged, 2);
    peer.thaw().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_stream_releases_its_slot_even_if_the_answer_is_blocked() {
    let (a, b, listener, mut filling) = narrow().await;
    let unread = incoming(&listener).await.stream;
    fill(&mut filling).await;
    let answering = a.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut asking = corked(unread.connection());
    write_all(&mut asking, b"question").await.expect("write");
    asking.finish();
    let mut asked = incoming(&answering).await.stream;
    asked.cork();
    write_all(&mut asked, b"answer").await.expect("write");
    asked.finish();
    let mut acknowledged = Box::pin(filling.connection().delivered(asked.id()));
    assert!(waits(&mut acknowledged).await);
    drop(asking);
    soon(acknowledged).await.expect("stopped");
    assert!(waits(&mut poll_fn(|cx| filling.poll_write(cx, b"no room"))).await);
    close(&[&a, &b]).await;
}

#[tokio::test]
async fn streams_lost_with_a_connection_are_never_acknowledged() {
    let (a, b, listener, mut filling) = narrow().await;
    fill(&mut filling).await;
    let connection = filling.connection().clone();
    let mut blocked = corked(&connection);
    write_all(&mut blocked, b"blocked").await.expect("write");
    blocked.finish();
    let mut acknowledged = Box::pin(connection.delivered(blocked.id()));
    assert!(waits(&mut acknowledged).await);
    connection.close(0, "lost");
    assert_eq!(soon(acknowledged).await.expect_err("lost").code(), Code::ConnectionLost);
    until("it left the endpoint", || !a.has_connection(&connection)).await;
    filling.finish();
    for stream in [&blocked, &filling] {
        // A late caller gets the same error.
        let error = soon(connection.delivered(stream.id())).await.expect_err("lost");
        assert_eq!(error.code(), Code::ConnectionLost);
    }
    drop(listener);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_stream_does_not_delay_one_that_was_acknowledged() {
    let (a, b, listener, mut filling) = narrow().await;
    let mut unread = incoming(&listener).await.stream;
    let connection = filling.connection().clone();
    let mut small = corked(&connection);
    write_all(&mut small, b"small").await.expect("write");
    small.finish();
    assert_eq!(arrived(&listener).await, b"small");
    soon(connection.delivered(small.id())).await.expect("acknowledged");
    fill(&mut filling).await;
    let mut blocked = corked(&connection);
    write_all(&mut blocked, b"blocked").await.expect("write");
    blocked.finish();
    soon(connection.delivered(small.id())).await.expect("still acknowledged");
    let acknowledged = soon(connection.delivered(blocked.id()));
    let reading = async {
        filling.finish();
        read_to_end(&mut unread).await.expect("whole");
        arrived(&listener).await
    };
    let (acknowledged, got) = tokio::join!(acknowledged, reading);
    acknowledged.expect("acknowledged");
    assert_eq!(got, b"blocked");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_without_room_follows_when_its_stream_is_finished() {
    let (a, b, listener, mut filling) = narrow().await;
    let filled = incoming(&listener).await.stream;
    fill(&mut filling).await;
    let connection = filling.connection().clone();
    let mut waiting =
        connection.try_open(&header(&Protocol::Tcp), OpenOptions::default()).expect("connection").expect("stream");
    waiting.try_flush();
    waiting.finish();
    let mut dropped =
        connection.try_open(&header(&Protocol::Tcp), OpenOptions::default()).expect("connection").expect("stream");
    dropped.finish();
    let mut filled = Some(filled);
    let reading = tokio::spawn(async move {
        let mut filled = filled.take().expect("once");
        read_to_end(&mut filled).await.expect("whole");
    });
    filling.finish();
    soon(reading).await.expect("task");
    for stream in [&mut waiting, &mut dropped] {
        let mut accepted = incoming(&listener).await.stream;
        assert_eq!(read_to_end(&mut accepted).await.expect("an end, no reset"), b"");
        accepted.finish();
        assert_eq!(read_to_end(stream).await.expect("acknowledged"), b"");
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_without_room_follows_when_its_stream_is_finished() {
    let a = endpoint_with(limits().with_receive_window(64 * 1024)).await;
    let b = endpoint().await;
    introduce(&a, &b);
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut filled = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let mut filling = incoming(&listener).await.stream;
    fill(&mut filling).await;
    let mut asked = corked(filled.connection());
    write_all(&mut asked, b"question").await.expect("write");
    asked.finish();
    let mut answered = incoming(&listener).await.stream;
    assert_eq!(read_to_end(&mut answered).await.expect("question"), b"question");
    answered.finish();
    drop(answered);
    filling.finish();
    read_to_end(&mut filled).await.expect("whole");
    assert_eq!(read_to_end(&mut asked).await.expect("an end, no reset"), b"");
    close(&[&a, &b]).await;
}

/// Finishes a stream to `protocol`, and arms a waker for its answer.
fn asked(connection: &Connection, protocol: &Protocol) -> (Stream, Arc<Woken>) {
    let mut stream =
        connection.try_open(&header(protocol), OpenOptions::default()).expect("connection").expect("stream");
    stream.cork();
    let woken = Arc::new(Woken::default());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(stream.poll_write(&mut cx, b"question").is_ready());
    assert!(stream.finish_then_wait(&mut Context::from_waker(&Waker::from(woken.clone()))));
    (stream, woken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_stream_is_woken_by_its_answer_and_by_a_refusal() {
    let (a, b, listener, connection) = connected().await;
    let (mut asking, woken) = asked(&connection, &Protocol::Tcp);
    let mut answering = incoming(&listener).await.stream;
    assert_eq!(read_to_end(&mut answering).await.expect("whole"), b"question");
    assert_eq!(woken.count(), 0);
    write_all(&mut answering, b"answer").await.expect("write");
    answering.finish();
    until("the answer wakes", || woken.count() > 0).await;
    assert_eq!(read_to_end(&mut asking).await.expect("whole"), b"answer");

    let (mut refused, woken) = asked(&connection, &Protocol::Http);
    until("the refusal wakes", || woken.count() > 0).await;
    assert_eq!(read_to_end(&mut refused).await.expect_err("refused").code(), Code::ProtocolUnsupported);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_stream_is_woken_by_the_end_of_its_connection() {
    let (a, b, _listener, connection) = connected().await;
    let (mut asking, woken) = asked(&connection, &Protocol::Tcp);
    connection.close(0, "enough");
    until("the end wakes", || woken.count() > 0).await;
    assert!(read_to_end(&mut asking).await.is_err());
    // Nothing is woken for streams that have sent their header, or have failed.
    let mut cx = Context::from_waker(Waker::noop());
    assert!(!asking.finish_then_wait(&mut cx));
    let mut sent = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    assert!(!sent.finish_then_wait(&mut cx));
    close(&[&a, &b]).await;
}
