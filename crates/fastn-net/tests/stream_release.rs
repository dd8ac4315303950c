//! Stream slots are released when the stream ends, even if the other side drops its halves early (docs/wire.md, Releasing a stream).

mod support;

use std::{future::poll_fn, task::Poll};

use fastn_net::{Code, OpenOptions, Protocol, Stream, wire::alpn::Alpn};
use futures_util::FutureExt;
use support::{
    GENEROUS, LATER, USUAL, close, endpoint, endpoint_with, incoming, limits, open_at,
    raw::{Raw, RawStream, code},
    read_to_end, soon, until, write_all,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const EXCHANGES: usize = 1000;

/// Reads the response line and drops the receiving half before the FIN, as Rust peers do.
async fn dialler_stops(alpn: Alpn, before_answer: bool) {
    let endpoint = endpoint_with(limits().with_max_streams(100)).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    let handler = tokio::spawn(async move {
        while let Ok(incoming) = listener.accept().await {
            let mut stream = incoming.stream;
            assert_eq!(read_to_end(&mut stream).await.expect("request"), b"request\n");
            // The stream must be released even if the peer has stopped it already.
            let _ = write_all(&mut stream, b"response\n").await;
            stream.finish();
        }
    });
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&endpoint, alpn).await;
    for at in 1..=EXCHANGES {
        let mut other = RawStream::start(&connection, b"\"Http\"\n").await;
        other.hears(b"ack\n").await;
        if before_answer {
            other.recv.stop(code(0)).expect("stop");
            other.end(b"request\n").await;
            if at == EXCHANGES {
                assert_eq!(soon(other.send.stopped()).await.expect("acknowledged"), None);
            }
        } else {
            other.end(b"request\n").await;
            other.hears(b"response\n").await;
            let _ = other.recv.stop(code(0));
        }
    }
    raw.close().await;
    close(&[&endpoint]).await;
    soon(handler).await.expect("handler");
}

#[tokio::test]
async fn a_dialler_that_stops_each_answer_never_runs_out_of_streams() {
    tokio::join!(dialler_stops(Alpn::FastnNet, false), dialler_stops(Alpn::Entity, false));
}

#[tokio::test]
async fn a_stream_stopped_before_the_answer_keeps_no_slot() {
    tokio::join!(dialler_stops(Alpn::FastnNet, true), dialler_stops(Alpn::Entity, true));
}

#[tokio::test]
async fn an_acceptor_that_stops_each_request_never_makes_us_run_out_of_streams() {
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        for options in [USUAL, LATER] {
            let endpoint = endpoint().await;
            let raw = Raw::bind(&[alpn.as_bytes()]).await;
            let address = raw.address();
            let acceptor = async {
                let connection = raw.accept().await;
                for _ in 0..EXCHANGES {
                    let mut other = RawStream::accept(&connection).await;
                    other.hears(b"\"Http\"\n").await;
                    other.say(b"ack\n").await;
                    other.hears(b"request\n").await;
                    // Before our FIN, which follows the answer.
                    other.recv.stop(code(0)).expect("stop");
                    other.end(b"response\n").await;
                }
                connection
            };
            let dialler = async {
                for _ in 0..EXCHANGES {
                    let mut stream = open_at(&endpoint, &address, &Protocol::Http, options).await.expect("stream");
                    write_all(&mut stream, b"request\n").await.expect("write");
                    assert_eq!(read_to_end(&mut stream).await.expect("answer"), b"response\n");
                    stream.finish();
                }
            };
            tokio::join!(acceptor, dialler);
            raw.close().await;
            close(&[&endpoint]).await;
        }
    }
}

#[tokio::test]
async fn refused_and_reset_streams_release_their_slots() {
    let endpoint = endpoint_with(limits().with_max_streams(100)).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&endpoint, Alpn::FastnNet).await;
    for at in 0..EXCHANGES {
        let mut other = RawStream::open(&connection).await;
        match at % 4 {
            0 => {
                other.say(b"\"Tcp\"\n").await;
                other.is_refused("unsupported").await;
            }
            1 => {
                other.say(b"\"Ht").await;
                other.send.reset(code(0)).expect("reset");
            }
            2 => {
                other.say(b"\"Http\"\n").await;
                drop(incoming(&listener).await);
                assert_eq!(other.hears_reset().await, 0);
            }
            _ => {
                other.say(b"\"Ping\"\n").await;
                other.hears(b"ack\n").await;
            }
        }
    }
    raw.close().await;
    close(&[&endpoint]).await;
}

/// Polls held streams only when woken, until told to end.
fn hold(mut stream: Stream, asked: &CancellationToken) -> JoinHandle<Stream> {
    stream.watch_stop();
    let asked = asked.clone();
    tokio::spawn(async move {
        let looking = poll_fn(|cx| {
            stream.idle(cx, 64 * 1024);
            Poll::<()>::Pending
        });
        tokio::select! {
            () = looking => {}
            () = asked.cancelled() => {}
        }
        stream
    })
}

#[tokio::test]
async fn streams_abandoned_by_the_peer_release_their_slots_while_held_unfinished() {
    // More than the 100 streams that the peer allows at a time.
    const HELD: u32 = 250;
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let endpoint = endpoint().await;
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let address = raw.address();
        let acceptor = async {
            let connection = raw.accept().await;
            for at in 0..HELD {
                let mut other = RawStream::accept(&connection).await;
                other.hears(b"\"Http\"\n").await;
                other.end(b"ack\nresponse\n").await;
                other.recv.stop(code(at)).expect("stop");
            }
            connection
        };
        let dialler = async {
            let (mut held, asked) = (Vec::new(), CancellationToken::new());
            let connection =
                endpoint.connect(&endpoint.peer(&address).expect("peer"), GENEROUS).await.expect("connection");
            for _ in 0..HELD {
                let stream = open_at(&endpoint, &address, &Protocol::Http, USUAL).await.expect("stream");
                held.push(hold(stream, &asked));
            }
            until("only this guard uses the connection", || connection.active_count() == 1).await;
            asked.cancel();
            for (held, stop) in held.into_iter().zip(0..) {
                let mut stream = soon(held).await.expect("held");
                assert!(!stream.is_send_done());
                let error = soon(poll_fn(|cx| stream.poll_flush(cx))).await.expect_err("flush");
                assert_eq!((error.code(), error.error_code()), (Code::StreamStopped, Some(stop)));
                assert!(stream.is_send_done());
                let error = write_all(&mut stream, b"more").await.expect_err("write");
                assert_eq!((error.code(), error.error_code()), (Code::StreamStopped, Some(stop)));
                assert_eq!(read_to_end(&mut stream).await.expect("answer"), b"response\n");
            }
        };
        tokio::join!(acceptor, dialler);
        raw.close().await;
        close(&[&endpoint]).await;
    }
}

#[tokio::test]
async fn a_stop_before_the_header_was_sent_ends_the_stream_and_nothing_else() {
    let endpoint = endpoint().await;
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let (connection, theirs) =
        tokio::join!(async { endpoint.connect(&peer, GENEROUS).await.expect("connection") }, raw.accept());
    let header = b"\"Http\"\n";
    let mut unsent = connection.try_open(header, OpenOptions::default()).expect("connection").expect("stream");
    let mut later = connection.try_open(header, OpenOptions::default()).expect("connection").expect("stream");
    later.try_flush();
    let mut other = RawStream::accept(&theirs).await;
    other.recv.stop(code(7)).expect("stop");
    other.end(b"ack\n").await;
    let mut behind = RawStream::accept(&theirs).await;
    behind.hears(header).await;
    behind.say(b"ack\n").await;
    soon(poll_fn(|cx| later.poll_ack(cx))).await.expect("what came behind the stop");
    let error = write_all(&mut unsent, b"request").await;
    assert_eq!(error.expect_err("write").code(), Code::StreamStopped);
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_connection_accepts_only_bidirectional_streams() {
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let endpoint = endpoint().await;
        let _listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        // A stream without a reader is not accepted at all.
        assert_eq!(connection.max_datagram_size(), None);
        assert!(connection.send_datagram(vec![0; 8].into()).is_err());
        let mut other = RawStream::start(&connection, b"\"Ping\"\n").await;
        other.hears(b"ack\npong\n").await;
        // The transport parameters are known by now, so a place would be there already.
        assert!(connection.open_uni().now_or_never().is_none());
        raw.close().await;
        close(&[&endpoint]).await;
    }
}
