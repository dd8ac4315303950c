//! Streams whose connection ends before their ack is read.

mod support;

use std::{future::poll_fn, time::Duration};

use fastn_net::{
    Code, Endpoint, Error, Protocol, Stream,
    wire::{alpn::Alpn, codes::close as codes},
};
use support::{
    LATER, close, endpoint, open_at,
    raw::{self, Raw, RawStream},
    read_until_error, soon, write_all,
};

/// A stream with an unread ack, after `before` was called and the peer then closed the connection.
async fn lost(close_code: u64, before: impl FnOnce(&mut Stream)) -> (Endpoint, Raw, Stream) {
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let endpoint = endpoint().await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), raw.accept());
    let (mut stream, mut theirs) = (opened.expect("stream"), RawStream::accept(&connection).await);
    theirs.hears(b"\"Tcp\"\n").await;
    theirs.end(b"ack\n").await;
    assert_eq!(soon(theirs.send.stopped()).await.expect("connection"), None, "the ack and the FIN have arrived");
    before(&mut stream);
    connection.close(u32::try_from(close_code).expect("a small code").into(), b"");
    soon(stream.connection().closed()).await;
    (endpoint, raw, stream)
}

async fn end(endpoint: Endpoint, raw: Raw) {
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_stream_is_lost_with_its_connection_even_if_the_ack_was_not_read() {
    for flushes in [true, false] {
        let (endpoint, raw, mut stream) = lost(codes::SHUTDOWN, |_| {}).await;
        let failed = if flushes {
            soon(poll_fn(|cx| stream.poll_flush(cx))).await
        } else {
            write_all(&mut stream, b"request").await
        };
        assert_eq!(failed.expect_err("lost").code(), Code::ConnectionLost);
        end(endpoint, raw).await;
    }
    let (endpoint, raw, mut stream) = lost(codes::SHUTDOWN, |_| {}).await;
    assert_eq!(soon(poll_fn(|cx| stream.poll_send_ended(cx))).await.code(), Code::ConnectionLost);
    end(endpoint, raw).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_stream_is_never_sent_again_even_if_the_ack_was_not_read() {
    for close_code in [codes::IDLE, codes::SUPERSEDED, codes::LIMIT] {
        let (endpoint, raw, mut stream) = lost(close_code, |_| {}).await;
        assert!(!stream.may_be_sent_again());
        assert!(!stream.take_retry());
        end(endpoint, raw).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_this_side_stopped_before_its_ack_may_have_been_served() {
    let (endpoint, raw, mut stream) = lost(codes::SHUTDOWN, |stream| stream.stop(0)).await;
    assert_eq!(write_all(&mut stream, b"request").await.expect_err("lost").code(), Code::ConnectionLost);
    end(endpoint, raw).await;
    let (endpoint, raw, mut stream) = lost(codes::IDLE, |stream| stream.stop(0)).await;
    assert!(!stream.may_be_sent_again());
    end(endpoint, raw).await;
}

/// The error of a request whose connection its peer closes, after it sent `answer`.
async fn request_error(alpn: Alpn, answer: &[u8], close_code: u64, writes_at_end: bool) -> Error {
    let (endpoint, raw, mut stream, connection, mut theirs) = unacknowledged_on(alpn).await;
    write_all(&mut stream, b"request").await.expect("write");
    if !writes_at_end {
        stream.finish();
    }
    theirs.hears(b"request").await;
    if answer == b"ack\n" {
        theirs.end(answer).await;
        assert_eq!(soon(theirs.send.stopped()).await.expect("connection"), None, "the ack has arrived");
    } else {
        theirs.say(answer).await;
    }
    connection.close(u32::try_from(close_code).expect("a small code").into(), b"");
    soon(stream.connection().closed()).await;
    let error = if writes_at_end {
        write_all(&mut stream, b"more").await.expect_err("lost")
    } else {
        read_until_error(&mut stream).await.1
    };
    end(endpoint, raw).await;
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_of_a_request_says_whether_a_handler_can_have_seen_it() {
    let promises = [codes::IDLE, codes::SUPERSEDED, codes::LIMIT];
    for code in promises.into_iter().chain([codes::PLAIN, codes::SHUTDOWN, codes::UNAUTHORIZED, 7]) {
        let unprocessed = promises.contains(&code);
        for writes_at_end in [false, true] {
            let error = request_error(Alpn::FastnNet, b"", code, writes_at_end).await;
            assert_eq!(error.is_unprocessed(), unprocessed, "{code:#x}: {error}");
            // A part of an ack does not count.
            let error = request_error(Alpn::FastnNet, b"ac", code, true).await;
            assert_eq!(error.is_unprocessed(), unprocessed, "{code:#x}: {error}");
            let error = request_error(Alpn::FastnNet, b"ack\n", code, true).await;
            assert!(!error.is_unprocessed(), "{code:#x}: {error}");
            // On older ALPNs, the codes are the application's.
            let error = request_error(Alpn::Entity, b"", code, writes_at_end).await;
            assert!(!error.is_unprocessed(), "{code:#x}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_close_codes_of_older_peers_promise_nothing() {
    for (alpn, may) in [(Alpn::FastnNet, true), (Alpn::Entity, false)] {
        let (endpoint, raw, mut stream, connection, _theirs) = unacknowledged_on(alpn).await;
        connection.close(raw::code(0x101), b"");
        soon(stream.connection().closed()).await;
        assert_eq!(stream.may_be_sent_again(), may, "{alpn:?}");
        end(endpoint, raw).await;
    }
}

/// A stream that its peer neither acknowledges nor ends.
async fn unacknowledged() -> (Endpoint, Raw, Stream, iroh::endpoint::Connection, RawStream) {
    unacknowledged_on(Alpn::FastnNet).await
}

async fn unacknowledged_on(alpn: Alpn) -> (Endpoint, Raw, Stream, iroh::endpoint::Connection, RawStream) {
    let raw = Raw::bind(&[alpn.as_bytes()]).await;
    let endpoint = endpoint().await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), raw.accept());
    let mut theirs = RawStream::accept(&connection).await;
    theirs.hears(b"\"Tcp\"\n").await;
    (endpoint, raw, opened.expect("stream"), connection, theirs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_a_stopped_stream_does_not_end_sending() {
    let (endpoint, raw, mut stream, _connection, mut theirs) = unacknowledged().await;
    stream.stop(0);
    assert_eq!(read_until_error(&mut stream).await.1.code(), Code::Closed);
    assert_eq!(soon(stream.acknowledged()).await.expect_err("stopped").code(), Code::Closed);
    write_all(&mut stream, b"request").await.expect("write");
    stream.finish();
    assert_eq!(theirs.rest().await, b"request");
    end(endpoint, raw).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_no_ack_that_this_side_stopped() {
    for finishes_first in [true, false] {
        let (endpoint, raw, mut stream, _connection, mut theirs) = unacknowledged().await;
        if finishes_first {
            stream.finish();
            stream.stop(0);
        } else {
            stream.stop(0);
            stream.finish();
        }
        theirs.hears_last(b"").await;
        // Waits for its whole limit otherwise, which is longer than `soon`.
        soon(endpoint.close(Duration::from_mins(10))).await;
        raw.close().await;
    }
}
