//! Tasks that wait side by side on one stream. Each event wakes every task that it concerns, even after another task has left.

mod support;

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use fastn_net::{Code, Endpoint, Error, Limits, PeerAddress, Protocol, Stream, wire::alpn::Alpn};
use support::{
    LATER, USUAL, Woken, close, endpoint_with, header, incoming, limits, live_connection, open, open_at, pair,
    raw::{Raw, RawStream, code},
    soon, until,
};
use tokio::task::JoinHandle;

/// A stream whose header the peer has read, and not acknowledged.
async fn unacknowledged(limits: Limits) -> (Endpoint, Raw, Stream, iroh::endpoint::Connection, RawStream) {
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let endpoint = endpoint_with(limits).await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), raw.accept());
    let mut theirs = RawStream::accept(&connection).await;
    theirs.hears(b"\"Tcp\"\n").await;
    (endpoint, raw, opened.expect("stream"), connection, theirs)
}

/// More watched and reset streams than a connection ever had memory for.
const WATCHED_RESETS: usize = 16 * 1024 + 1;

type Shared = Arc<Mutex<Stream>>;

/// Waits for the end of sending in a task of its own.
async fn wait_for_end(stream: &Shared) -> JoinHandle<Error> {
    let (stream, woken) = (stream.clone(), Arc::new(Woken::default()));
    let waits = woken.clone();
    let task = tokio::spawn(poll_fn(move |cx| {
        let polled = stream.lock().expect("lock").poll_send_ended(cx);
        Waker::from(waits.clone()).wake();
        polled
    }));
    until("it waits", || woken.count() > 0).await;
    task
}

/// Polls as a task that then goes away.
fn read_and_leave(stream: &Shared) {
    let waker = Waker::from(Arc::new(Woken::default()));
    let mut cx = Context::from_waker(&waker);
    assert!(stream.lock().expect("lock").poll_read(&mut cx, &mut [0; 8]).is_pending());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ack_deadline_wakes_a_task_that_waits_for_the_end_of_sending() {
    for reads in [false, true] {
        let limits = limits().with_ack_timeout(Duration::from_millis(300));
        let (endpoint, raw, stream, _connection, _theirs) = unacknowledged(limits).await;
        let stream = Arc::new(Mutex::new(stream));
        let ended = wait_for_end(&stream).await;
        if reads {
            read_and_leave(&stream);
        }
        assert_eq!(soon(ended).await.expect("task").code(), Code::AckTimeout);
        raw.close().await;
        close(&[&endpoint]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_wakes_a_task_that_waits_for_the_end_of_sending() {
    for (acknowledged, stopped) in [(true, false), (false, false), (false, true)] {
        let (endpoint, raw, mut stream, connection, mut theirs) = unacknowledged(limits()).await;
        if acknowledged {
            theirs.say(b"ack\n").await;
            soon(stream.acknowledged()).await.expect("ack");
        }
        if stopped {
            theirs.recv.stop(code(0)).expect("stop");
        }
        let stream = Arc::new(Mutex::new(stream));
        let ended = wait_for_end(&stream).await;
        if stopped {
            until("the stop has come", || format!("{:?}", stream.lock().expect("lock")).contains("Stopped")).await;
        }
        read_and_leave(&stream);
        connection.close(code(0), b"");
        assert_eq!(soon(ended).await.expect("task").code(), Code::ConnectionLost);
        raw.close().await;
        close(&[&endpoint]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_wakes_a_task_however_many_streams_were_watched_before() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let mut theirs = incoming(&listener).await.stream;
    let (connection, header) = (stream.connection().clone(), header(&Protocol::Tcp));
    for _ in 0..WATCHED_RESETS {
        let mut watched = loop {
            match connection.try_open(&header, LATER).expect("connection") {
                Some(stream) => break stream,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        watched.watch_stop();
        watched.reset(0);
    }
    let ended = wait_for_end(&Arc::new(Mutex::new(stream))).await;
    theirs.stop(7);
    let error = soon(ended).await.expect("task");
    assert_eq!((error.code(), error.error_code()), (Code::StreamStopped, Some(7)));
    close(&[&a, &b]).await;
}

/// noq keeps memory for a watch until it ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watch_of_a_half_that_was_reset_ends_with_the_acknowledgement_of_the_reset() {
    let (endpoint, raw, _stream, _connection, mut theirs) = unacknowledged(limits()).await;
    let watch = theirs.send.stopped();
    theirs.send.reset(code(7)).expect("live");
    assert_eq!(soon(watch).await.expect("connection"), None);
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_wakes_a_writer_beside_a_task_that_waits_for_the_ack() {
    let endpoint = support::endpoint().await;
    let _listener = endpoint.listen(None, &[Protocol::Tcp], false).expect("listen");
    let raw = Raw::bind_deaf().await;
    let theirs = raw.dial(&endpoint, Alpn::FastnNet).await;
    let connection = live_connection(&endpoint.peer(&PeerAddress::new(raw.id())).expect("peer")).await;
    let opened = connection.try_open(&support::header(&Protocol::Tcp), LATER).expect("open");
    let mut stream = opened.expect("at once");
    let (writer, asker) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let wakers = [Waker::from(writer.clone()), Waker::from(asker.clone())];
    assert!(stream.poll_write(&mut Context::from_waker(&wakers[0]), b"request").is_pending());
    assert!(stream.poll_ack(&mut Context::from_waker(&wakers[1])).is_pending());
    assert_eq!((writer.count(), asker.count()), (0, 0));
    theirs.close(code(0), b"");
    until("both are woken", || writer.count() > 0 && asker.count() > 0).await;
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ack_wakes_a_writer_that_the_peer_has_stopped_beside_a_reader_that_left() {
    let (endpoint, raw, mut stream, _connection, mut theirs) = unacknowledged(limits()).await;
    theirs.recv.stop(code(7)).expect("stop");
    let writer = Arc::new(Woken::default());
    let waker = Waker::from(writer.clone());
    let mut cx = Context::from_waker(&waker);
    until("the stop has come", || stream.poll_write(&mut cx, b"x").is_pending()).await;
    let stream = Arc::new(Mutex::new(stream));
    read_and_leave(&stream);
    let before = writer.count();
    theirs.say(b"ack\n").await;
    until("the writer is woken", || writer.count() > before).await;
    let polled = poll_fn(|cx| stream.lock().expect("lock").poll_write(cx, b"x"));
    let error = soon(polled).await.expect_err("stopped");
    assert_eq!((error.code(), error.error_code()), (Code::StreamStopped, Some(7)));
    raw.close().await;
    close(&[&endpoint]).await;
}
