//! How each direction ends: finish, reset, stop, drop, and the loss of the connection.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Waker},
};

use super::{stopped_unacknowledged, written_until_error};
use crate::support::{
    LATER, USUAL, Woken, close, incoming, limits, live_connection, open, pair, pattern, read_exact, read_to_end,
    read_until_error, soon, stream, write_all,
};
use fastn_net::{Code, Protocol};

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
        // The other direction continues, without a time limit.
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
async fn bytes_that_arrived_before_an_error_are_read_first() {
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

    // A failed write takes nothing from reading.
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
        let header = crate::support::header(&Protocol::Tcp);
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
