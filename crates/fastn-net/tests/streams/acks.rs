//! Acknowledgements: refused, late, unread.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{stopped_unacknowledged, written_until_error};
use crate::support::{
    LATER, USUAL, Woken, close, echo, endpoint_with, exchange, generic, incoming, introduce, limits, open, open_at,
    pair, pattern,
    raw::{Raw, RawStream},
    read_to_end, soon, until, write_all,
};
use fastn_net::{Code, Error, Protocol, Stream, wire::alpn::Alpn};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_reads_and_writes_that_wait() {
    let (a, b) = pair().await;
    let _listener = b.listen(None, &[Protocol::Http], false).expect("listen");
    let opened = open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream");
    for error in both_wait(opened).await {
        assert_eq!((error.code(), error.remote_code()), (Code::ProtocolUnsupported, Some("unsupported")));
    }
    let error = open(&a, &b, &generic("nobody"), USUAL).await.expect_err("refused");
    assert_eq!(error.code(), Code::ProtocolUnsupported);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_without_a_stop_reaches_a_write_that_waits() {
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let endpoint = crate::support::endpoint().await;
    let address = raw.address();
    let acceptor = async {
        let connection = raw.accept().await;
        let mut other = RawStream::accept(&connection).await;
        other.hears(b"\"Tcp\"\n").await;
        (connection, other)
    };
    let (opened, (_connection, mut other)) =
        tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), acceptor);
    let waiting = tokio::spawn(both_wait(opened.expect("stream")));
    // The peer reads nothing more and keeps its receiving half.
    other.end(b"no\n").await;
    for error in soon(waiting).await.expect("task") {
        assert_eq!(error.code(), Code::Refused);
    }
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_write_fails_when_no_acknowledgement_comes() {
    let ack_timeout = Duration::from_millis(300);
    let (raw, endpoint, mut stream, _connection, _other) =
        stopped_unacknowledged(limits().with_ack_timeout(ack_timeout)).await;
    let error = soon(poll_fn(|cx| stream.poll_write(cx, b"x"))).await.expect_err("no acknowledgement");
    assert_eq!(error.code(), Code::AckTimeout);
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unacknowledged_stream_fails_in_time_whether_it_is_read_or_written() {
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let endpoint = endpoint_with(limits().with_ack_timeout(Duration::from_millis(300))).await;
    let address = raw.address();
    let silent = tokio::spawn(async move {
        let connection = raw.accept().await;
        let mut streams = Vec::new();
        while let Ok(stream) = connection.accept_bi().await {
            streams.push(stream);
        }
        raw
    });
    let written = open_at(&endpoint, &address, &Protocol::Tcp, LATER).await.expect("stream");
    let mut read = open_at(&endpoint, &address, &Protocol::Tcp, LATER).await.expect("stream");
    let mut written_slowly = open_at(&endpoint, &address, &Protocol::Tcp, LATER).await.expect("stream");
    for error in soon(both_wait(written)).await {
        assert_eq!(error.code(), Code::AckTimeout);
    }
    let error = soon(poll_fn(|cx| read.poll_read(cx, &mut [0; 64]))).await.expect_err("no acknowledgement");
    assert_eq!(error.code(), Code::AckTimeout);
    assert_eq!(soon(written_until_error(&mut written_slowly)).await.code(), Code::AckTimeout);
    close(&[&endpoint]).await;
    soon(silent).await.expect("task").close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unacknowledged_stream_that_is_neither_read_nor_written_fails_in_time() {
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let endpoint = endpoint_with(limits().with_ack_timeout(Duration::from_millis(300))).await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), raw.accept());
    let (mut stream, mut theirs) = (opened.expect("stream"), RawStream::accept(&connection).await);
    theirs.hears(b"\"Tcp\"\n").await;
    let idle = poll_fn(|cx| {
        stream.idle(cx, 64);
        if stream.is_send_done() { Poll::Ready(()) } else { Poll::Pending }
    });
    soon(idle).await;
    assert!(!stream.is_recv_done(), "a reader is still to be told");
    assert_eq!(soon(poll_fn(|cx| stream.poll_send_ended(cx))).await.code(), Code::AckTimeout);
    assert_eq!(
        soon(poll_fn(|cx| stream.poll_read(cx, &mut [0; 8]))).await.expect_err("no ack").code(),
        Code::AckTimeout
    );
    assert!(stream.is_recv_done());
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_is_woken_after_a_writer_found_the_ack_late() {
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let endpoint = crate::support::endpoint().await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), raw.accept());
    let (mut stream, mut theirs) = (opened.expect("stream"), RawStream::accept(&connection).await);
    theirs.hears(b"\"Tcp\"\n").await;
    let reader = Arc::new(Woken::default());
    let waker = Waker::from(reader.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(stream.poll_read(&mut cx, &mut [0; 8]).is_pending());
    let woken = || reader.count();
    until("the ack is late", || woken() > 0).await;
    write_all(&mut stream, b"x").await.expect("write");
    let before = woken();
    theirs.say(b"ack\nhello").await;
    until("the reader is woken", || woken() > before).await;
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unread_acknowledgement_counts_as_in_time() {
    let b = crate::support::endpoint().await;
    let ack_timeout = Duration::from_secs(1);
    let a = endpoint_with(limits().with_ack_timeout(ack_timeout)).await;
    introduce(&a, &b);
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut stream = open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream");
    let mut accepted = incoming(&listener).await.stream;
    // Far beyond the deadline.
    tokio::time::sleep(3 * ack_timeout).await;
    write_all(&mut stream, b"late").await.expect("write");
    stream.finish();
    assert_eq!(read_to_end(&mut accepted).await.expect("bytes"), b"late");
    accepted.finish();
    assert_eq!(read_to_end(&mut stream).await.expect("end"), b"");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_acknowledgement_is_found_by_reading() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    for count in [0, 1, 3, 4, 5, 100_000] {
        let stream = open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream");
        let bytes = pattern(count);
        assert!(exchange(stream, &bytes).await.expect("answer") == bytes, "{count} bytes");
    }
    // And by waiting for it, without reading any payload.
    let mut stream = open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream");
    soon(poll_fn(|cx| stream.poll_ack(cx))).await.expect("acknowledged");
    soon(poll_fn(|cx| stream.poll_ack(cx))).await.expect("still");
    assert_eq!(exchange(stream, b"bytes").await.expect("answer"), b"bytes");
    close(&[&a, &b]).await;
}

/// A read and a write of one stream wait side by side. Returns the error of each.
async fn both_wait(stream: Stream) -> [Error; 2] {
    let stream = Arc::new(Mutex::new(stream));
    let (writer, reader) = (stream.clone(), stream);
    let writing = tokio::spawn(async move {
        let bytes = vec![0; 1 << 20];
        loop {
            let written = poll_fn(|cx| writer.lock().expect("lock").poll_write(cx, &bytes)).await;
            if let Err(error) = written {
                return error;
            }
        }
    });
    let reading = tokio::spawn(async move {
        let mut chunk = [0; 64];
        let read = poll_fn(|cx| reader.lock().expect("lock").poll_read(cx, &mut chunk)).await;
        read.expect_err("refused")
    });
    [soon(writing).await.expect("task"), soon(reading).await.expect("task")]
}
