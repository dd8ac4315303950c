//! Streams on their way to the tasks that accept them.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use crate::support::{
    LATER, USUAL, Woken, close, endpoint_with, incoming, introduce, limits, live_connection, open, pair, read_to_end,
    soon, until, waits, write_all,
};
use fastn_net::{Code, Protocol};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_a_queue_permit_waits_unacknowledged() {
    let b = endpoint_with(limits().with_max_queued_streams_per_peer(2)).await;
    let a = crate::support::endpoint().await;
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
    // A stream that its peer resets while it waits reaches no listener.
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
    // The listener of the endpoint continues.
    let _stream = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    incoming(&everyone).await;
    close(&[&a, &b]).await;
}
