//! Streams between two endpoints: bytes, ends, limits.

mod support;

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use fastn_net::{Code, Endpoint, Error, Limits, Protocol, Stream, wire::alpn::Alpn};
use futures_util::future::join_all;
use support::{
    LATER, USUAL, Woken, close, echo, endpoint_with, exchange, generic, incoming, introduce, limits, live_connection,
    open, open_at, pair, pattern,
    raw::{Raw, RawStream},
    read_exact, read_to_end, read_until_error, soon, stream, until, waits, write_all,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_side_may_end_first() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    for dialler_first in [true, false] {
        let (dialler, acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
        let (mut first, mut second) = if dialler_first { (dialler, acceptor) } else { (acceptor, dialler) };
        write_all(&mut first, b"the whole request").await.expect("write");
        first.finish();
        assert_eq!(read_to_end(&mut second).await.expect("request"), b"the whole request");
        assert!(second.is_recv_done() && !second.is_send_done());
        // The other direction goes on for as long as it likes.
        for _ in 0..3 {
            write_all(&mut second, b"part").await.expect("write");
            assert_eq!(read_exact(&mut first, 4).await.expect("part"), b"part");
        }
        second.finish();
        assert_eq!(read_to_end(&mut first).await.expect("end"), b"");
        assert_eq!(read_to_end(&mut first).await.expect("end, asked again"), b"");
        assert_eq!(write_all(&mut first, b"x").await.expect_err("finished").code(), Code::StreamFinished);
        first.finish();
        first.reset(1);
        soon(first.connection().delivered(first.id())).await.expect("acknowledged");
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_an_unfinished_stream_is_a_reset_never_a_clean_end() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    for dialler_drops in [true, false] {
        let (dialler, acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
        let (mut dropped, mut kept) = if dialler_drops { (dialler, acceptor) } else { (acceptor, dialler) };
        write_all(&mut dropped, b"cut short").await.expect("write");
        drop(dropped);
        let (_, error) = read_until_error(&mut kept).await;
        assert_eq!((error.code(), error.error_code()), (Code::StreamReset, Some(0)));
        assert_eq!(read_until_error(&mut kept).await.1.code(), Code::StreamReset, "said again");
        let error = written_until_error(&mut kept).await;
        assert_eq!((error.code(), error.error_code()), (Code::StreamStopped, Some(0)));
        assert!(kept.is_send_done() && kept.is_recv_done());
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reset_and_stop_end_one_direction_each() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    dialler.reset(41);
    assert_eq!(read_until_error(&mut acceptor).await.1.error_code(), Some(41));
    write_all(&mut acceptor, b"still here").await.expect("write");
    assert_eq!(read_exact(&mut dialler, 10).await.expect("bytes"), b"still here");
    dialler.stop(42);
    assert_eq!(written_until_error(&mut acceptor).await.error_code(), Some(42));
    assert_eq!(read_until_error(&mut dialler).await.1.code(), Code::Closed);
    assert_eq!(write_all(&mut dialler, b"x").await.expect_err("reset").code(), Code::StreamFinished);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_came_before_an_error_are_read_first() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    let sent = pattern(100_000);
    write_all(&mut dialler, &sent).await.expect("write");
    let connection = acceptor.connection().clone();
    // All of it is here: the peer has acknowledged its end.
    dialler.finish();
    soon(dialler.connection().delivered(dialler.id())).await.expect("acknowledged");
    dialler.connection().close(9, "gone");
    soon(connection.closed()).await;
    assert_eq!(read_to_end(&mut acceptor).await.expect("all of it"), sent);
    let error = write_all(&mut acceptor, b"x").await.expect_err("no connection");
    assert_eq!((error.code(), error.error_code()), (Code::ConnectionLost, Some(9)));

    // A write that fails takes nothing from reading.
    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    write_all(&mut acceptor, &sent).await.expect("write");
    acceptor.finish();
    soon(acceptor.connection().delivered(acceptor.id())).await.expect("acknowledged");
    acceptor.connection().close(9, "gone");
    soon(dialler.connection().closed()).await;
    for _ in 0..2 {
        let error = write_all(&mut dialler, b"x").await.expect_err("no connection");
        assert_eq!((error.code(), error.error_code()), (Code::ConnectionLost, Some(9)));
    }
    assert_eq!(read_to_end(&mut dialler).await.expect("all of it"), sent);

    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    write_all(&mut dialler, b"first").await.expect("write");
    assert_eq!(read_exact(&mut acceptor, 1).await.expect("one"), b"f");
    let connection = acceptor.connection().clone();
    dialler.connection().close(9, "gone");
    soon(connection.closed()).await;
    let (bytes, error) = read_until_error(&mut acceptor).await;
    assert_eq!((&bytes[..], error.code()), (&b"irst"[..], Code::ConnectionLost));
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_transfers_arrive_whole_both_ways_at_once() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (dialler, acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    let bytes = Arc::new(pattern(24 * 1024 * 1024));
    let both = [dialler, acceptor].map(|stream| {
        let stream = Arc::new(Mutex::new(stream));
        let (writer, reader) = (stream.clone(), stream);
        let (sent, expected) = (bytes.clone(), bytes.clone());
        let writing = tokio::spawn(async move {
            let mut at = 0;
            while at < sent.len() {
                at += poll_fn(|cx| writer.lock().expect("lock").poll_write(cx, &sent[at..])).await.expect("write");
            }
            writer.lock().expect("lock").finish();
        });
        let reading = tokio::spawn(async move {
            let mut chunk = vec![0; 256 * 1024];
            let mut at = 0;
            loop {
                let read = poll_fn(|cx| reader.lock().expect("lock").poll_read(cx, &mut chunk)).await.expect("read");
                assert!(chunk[..read.count] == expected[at..at + read.count], "other bytes around {at}");
                at += read.count;
                if read.end {
                    return assert_eq!(at, expected.len());
                }
            }
        });
        [writing, reading]
    });
    for task in both.into_iter().flatten() {
        soon(task).await.expect("task");
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_writer_delays_no_other_stream() {
    let limit = 2 * 1024 * 1024;
    let (a, b) = (
        endpoint_with(limits()).await,
        endpoint_with(limits().with_receive_window(u32::try_from(limit).expect("small"))).await,
    );
    introduce(&a, &b);
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    let bytes = pattern(8 * 1024 * 1024);
    let mut written = 0;
    // It waits: what the windows of both sides hold is all that is taken.
    while let Ok(count) =
        tokio::time::timeout(Duration::from_millis(500), poll_fn(|cx| dialler.poll_write(cx, &bytes[written..]))).await
    {
        written += count.expect("write");
        assert!(written < bytes.len(), "everything was taken while nobody read");
    }
    let (mut other, mut answering) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    write_all(&mut answering, b"from the reader's side").await.expect("write");
    answering.finish();
    assert_eq!(read_to_end(&mut other).await.expect("other"), b"from the reader's side");
    let reading = tokio::spawn(async move { read_to_end(&mut acceptor).await });
    write_all(&mut dialler, &bytes[written..]).await.expect("write");
    dialler.finish();
    assert!(soon(reading).await.expect("task").expect("bytes") == bytes);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_at_once() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let acceptor = tokio::spawn(async move {
        let mut streams = Vec::new();
        while streams.len() < 1000 {
            streams.push(incoming(&listener).await.stream);
        }
        // Only now, with all of them open, is any answered.
        for mut stream in streams {
            let request = read_to_end(&mut stream).await.expect("request");
            write_all(&mut stream, &request).await.expect("write");
            stream.finish();
        }
    });
    let exchanges = (0..1000).map(|at: u32| {
        let (a, b) = (&a, &b);
        async move {
            let stream = open(a, b, &Protocol::Tcp, USUAL).await.expect("stream");
            assert_eq!(exchange(stream, &at.to_le_bytes()).await.expect("answer"), at.to_le_bytes());
        }
    });
    soon(join_all(exchanges)).await;
    soon(acceptor).await.expect("acceptor");
    until("no stream is left in use", || {
        let used = |endpoint: &fastn_net::Endpoint, other: &fastn_net::Endpoint| {
            let peer = endpoint.peer(&other.address()).expect("peer");
            peer.connection().expect("connection").active_count()
        };
        used(&a, &b) + used(&b, &a) == 0
    })
    .await;
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_exchanges_one_after_the_other() {
    let (a, b) = pair().await;
    echo(&b, &[Protocol::Tcp]);
    let peer = a.peer(&b.address()).expect("peer");
    let header = support::header(&Protocol::Tcp);
    let exchanges = async {
        for _ in 0..10_000 {
            let stream = a.get_stream(&peer, &header, LATER).await.expect("stream");
            assert_eq!(exchange(stream, b"line\n").await.expect("answer"), b"line\n");
        }
    };
    tokio::time::timeout(Duration::from_mins(1), exchanges).await.expect("time");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_ahead_keeps_what_it_may_and_gives_the_half_back_at_the_end() {
    const LIMIT: usize = 64 * 1024;
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());

    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    dialler.finish();
    write_all(&mut acceptor, b"one line\n").await.expect("write");
    acceptor.finish();
    soon(acceptor.connection().delivered(acceptor.id())).await.expect("all of it is on the other side");
    dialler.read_ahead(&mut Context::from_waker(&waker), LIMIT);
    // The half is given back: the line is still there when the connection is not.
    dialler.connection().close(0, "");
    soon(acceptor.connection().closed()).await;
    assert_eq!(read_to_end(&mut dialler).await.expect("kept"), b"one line\n");

    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    let bytes = pattern(200_000);
    write_all(&mut acceptor, &bytes).await.expect("write");
    acceptor.finish();
    let connection = acceptor.connection().clone();
    soon(connection.delivered(acceptor.id())).await.expect("all of it is on the other side");
    for _ in 0..10 {
        dialler.read_ahead(&mut Context::from_waker(&waker), LIMIT);
    }
    assert!(!dialler.is_recv_done());
    // Kept bytes and those behind them come in order.
    assert!(read_to_end(&mut dialler).await.expect("kept and the rest") == bytes);

    // A wake comes for what arrives after the last look.
    let (mut dialler, mut acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    dialler.read_ahead(&mut Context::from_waker(&waker), LIMIT);
    let before = woken.count();
    write_all(&mut acceptor, b"x").await.expect("write");
    until("a wake", || woken.count() > before).await;
    dialler.read_ahead(&mut Context::from_waker(&waker), LIMIT);
    acceptor.reset(3);
    let (bytes, error) = read_until_error(&mut dialler).await;
    assert_eq!((&bytes[..], error.error_code()), (&b"x"[..], Some(3)));
    close(&[&a, &b]).await;
}

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
    let endpoint = support::endpoint().await;
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
async fn a_stopped_write_can_be_polled_any_number_of_times() {
    let (raw, endpoint, mut stream, _connection, mut other) = stopped_unacknowledged(limits()).await;
    let mut asked = Context::from_waker(Waker::noop());
    let mut chunk = [0; 64];
    for _ in 0..200_000 {
        assert!(stream.poll_write(&mut asked, b"x").is_pending());
        stream.flush_or_wake(Waker::noop());
    }
    let reader = Arc::new(Woken::default());
    let waker = Waker::from(reader.clone());
    assert!(stream.poll_read(&mut Context::from_waker(&waker), &mut chunk).is_pending());
    let written = poll_fn(|cx| stream.poll_write(cx, b"x"));
    let (written, ()) = tokio::join!(soon(written), other.say(b"ack\n"));
    assert_eq!(written.expect_err("stopped").code(), Code::StreamStopped);
    assert!(reader.count() > 0, "the reader that was there first is woken too");
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
async fn an_unacknowledged_stream_that_nobody_reads_or_writes_fails_in_time() {
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
    let endpoint = support::endpoint().await;
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
async fn an_acknowledgement_that_nobody_has_read_is_in_time() {
    let b = support::endpoint().await;
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
    // And by asking for it, with nothing behind it taken.
    let mut stream = open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream");
    soon(poll_fn(|cx| stream.poll_ack(cx))).await.expect("acknowledged");
    soon(poll_fn(|cx| stream.poll_ack(cx))).await.expect("still");
    assert_eq!(exchange(stream, b"bytes").await.expect("answer"), b"bytes");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_a_queue_permit_waits_unacknowledged() {
    let b = endpoint_with(limits().with_max_queued_streams_per_peer(2)).await;
    let a = support::endpoint().await;
    introduce(&a, &b);
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream"));
    }
    let mut fourth = streams.pop().expect("fourth");
    let third = streams.pop().expect("third");
    for stream in &mut streams {
        soon(poll_fn(|cx| stream.poll_ack(cx))).await.expect("a place");
    }
    // What the peer gives up while it waits is handed to nobody.
    let connection = live_connection(&b.peer(&a.address()).expect("peer")).await;
    until("all four wait", || connection.active_count() == 4).await;
    drop(third);
    until("the third is given up", || connection.active_count() == 3).await;
    let mut asked = Context::from_waker(Waker::noop());
    assert!(fourth.poll_ack(&mut asked).is_pending(), "no place, and an acknowledgement");
    let mut accepted = vec![incoming(&listener).await.stream, incoming(&listener).await.stream];
    soon(poll_fn(|cx| fourth.poll_ack(cx))).await.expect("a place became free");
    write_all(&mut fourth, b"the fourth").await.expect("write");
    fourth.finish();
    accepted.push(incoming(&listener).await.stream);
    assert_eq!(read_to_end(&mut accepted[2]).await.expect("bytes"), b"the fourth");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_stream_wakes_one_of_the_tasks_that_accept() {
    let (a, b) = pair().await;
    let listener = Arc::new(b.listen(None, &[Protocol::Tcp], false).expect("listen"));
    let mut gone = Box::pin(listener.accept());
    assert!(waits(&mut gone).await);
    let (accepted, mut count) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..3 {
        let (listener, accepted) = (listener.clone(), accepted.clone());
        tokio::spawn(async move { accepted.send(listener.accept().await) });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut streams = vec![open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream")];
    // It was woken for the first stream, and does not take it.
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(gone);
    for _ in 1..3 {
        streams.push(open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream"));
    }
    for _ in 0..3 {
        soon(count.recv()).await.expect("one each").expect("stream");
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_stream_wakes_all_tasks_that_poll() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let woken = [0; 2].map(|_| Arc::new(Woken::default()));
    for task in &woken {
        let waker = Waker::from(task.clone());
        assert!(listener.poll_accept(&mut Context::from_waker(&waker), 1).is_pending());
    }
    let _stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    until("both are woken", || woken.iter().all(|task| task.count() == 1)).await;
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_of_a_connection_ends_with_it_after_its_queued_streams() {
    let (a, b) = pair().await;
    let everyone = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let first = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let connection = incoming(&everyone).await.stream.connection().clone();
    let listener = b.listen(Some(connection.id()), &[Protocol::Tcp, Protocol::Http], true).expect("listen");
    let mut held = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    write_all(&mut held, b"held").await.expect("write");
    held.finish();
    soon(held.connection().delivered(held.id())).await.expect("acknowledged");
    first.connection().close(0, "");
    soon(connection.closed()).await;
    let mut accepted = soon(listener.accept()).await.expect("what it holds").stream;
    assert_eq!(read_to_end(&mut accepted).await.expect("whole"), b"held");
    assert_eq!(soon(listener.accept()).await.expect_err("the end").code(), Code::Closed);
    // One that comes too late ends at once.
    let late = b.listen(Some(connection.id()), &[Protocol::Tcp], false).expect("listen");
    assert_eq!(soon(late.accept()).await.expect_err("the end").code(), Code::Closed);
    // Everyone's goes on.
    let _stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    incoming(&everyone).await;
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_says_what_its_code_means() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    for (code, meaning) in [(0x102, "the peer's handler failed (0x102)"), (7, "code 7")] {
        let mut stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
        let mut accepted = incoming(&listener).await.stream;
        accepted.reset(code);
        accepted.stop(code);
        let (_, error) = read_until_error(&mut stream).await;
        assert!(error.message().ends_with(meaning), "{error}");
        assert_eq!((error.code(), error.error_code()), (Code::StreamReset, Some(code)));
        let error = written_until_error(&mut stream).await;
        assert!(error.message().ends_with(meaning), "{error}");
        assert_eq!((error.code(), error.error_code()), (Code::StreamStopped, Some(code)));
    }
    close(&[&a, &b]).await;
}

/// A stream whose peer has read its header, stopped it, and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_fails_once_the_connection_has_ended() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    for held in [true, false] {
        let (mut dialler, _acceptor) = stream(&a, &b, &Protocol::Tcp, &listener).await;
        write_all(&mut dialler, b"a part").await.expect("write");
        poll_fn(|cx| dialler.poll_flush(cx)).await.expect("flush while the connection lives");
        dialler.connection().close(0, "");
        if held {
            dialler.detach_from_connection();
        }
        for _ in 0..2 {
            let error = poll_fn(|cx| dialler.poll_flush(cx)).await.expect_err("a flush after the end");
            assert_eq!(error.code(), Code::ConnectionLost);
        }
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_finished_after_its_connection_ended_is_lost() {
    let (a, b) = pair().await;
    let _listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    for corked in [true, false] {
        // Keeps the connection.
        let _first = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
        let connection = live_connection(&a.peer(&b.address()).expect("peer")).await;
        let header = support::header(&Protocol::Tcp);
        let mut stream = connection.try_open(&header, LATER).expect("open").expect("at once");
        if corked {
            stream.cork();
            assert_eq!(poll_fn(|cx| stream.poll_write(cx, b"request")).await.expect("write"), 7);
        }
        connection.close(0, "");
        soon(connection.closed()).await;
        stream.finish();
        soon(a.delivered(connection.id(), stream.id())).await.expect_err("delivered");
    }
    close(&[&a, &b]).await;
}

async fn stopped_unacknowledged(limits: Limits) -> (Raw, Endpoint, Stream, iroh::endpoint::Connection, RawStream) {
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let endpoint = endpoint_with(limits).await;
    let address = raw.address();
    let acceptor = async {
        let connection = raw.accept().await;
        let mut other = RawStream::accept(&connection).await;
        other.hears(b"\"Tcp\"\n").await;
        other.recv.stop(0u8.into()).expect("stop");
        (connection, other)
    };
    let (opened, (connection, other)) = tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), acceptor);
    let mut stream = opened.expect("stream");
    let mut asked = Context::from_waker(Waker::noop());
    until("the stop has come", || stream.poll_write(&mut asked, b"x").is_pending()).await;
    (raw, endpoint, stream, connection, other)
}

/// A read and a write of one stream wait side by side; what each of them fails with.
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

async fn written_until_error(stream: &mut Stream) -> Error {
    loop {
        if let Err(error) = write_all(stream, b"x").await {
            return error;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
