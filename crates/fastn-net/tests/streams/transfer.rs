//! Bytes: large transfers, many streams, flow control, reading ahead.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use crate::support::{
    LATER, USUAL, Woken, close, echo, endpoint_with, exchange, incoming, introduce, limits, open, pair, pattern,
    read_to_end, read_until_error, soon, stream, until, write_all,
};
use fastn_net::Protocol;
use futures_util::future::join_all;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_transfers_arrive_complete_both_ways_at_once() {
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
    // It waits: only as many bytes are accepted as the windows of both sides hold.
    while let Ok(count) =
        tokio::time::timeout(Duration::from_millis(500), poll_fn(|cx| dialler.poll_write(cx, &bytes[written..]))).await
    {
        written += count.expect("write");
        assert!(written < bytes.len(), "everything was taken before a read");
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
        // Answers only now, with all of them open.
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
    let header = crate::support::header(&Protocol::Tcp);
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
async fn reading_ahead_buffers_up_to_its_limit_and_releases_the_half_at_the_end() {
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
    // The half is released: its bytes stay readable after the connection.
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
    // Buffered bytes and those after them arrive in order.
    assert!(read_to_end(&mut dialler).await.expect("kept and the rest") == bytes);

    // Bytes that arrive after the last call cause a wake.
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
