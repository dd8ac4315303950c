//! Listeners that several tasks share, and streams that the program accepts or refuses before their ack.

mod support;

use std::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use fastn_net::{
    Code, Endpoint, PeerState, PendingListener, PendingStream, Protocol,
    wire::{alpn::Alpn, refusal::word},
};
use support::{
    GENEROUS, LATER, USUAL, close, exchange, generic, open, pair,
    raw::{Raw, RawStream},
    read_to_end, soon, until, waits, write_all,
};

async fn pending(listener: &PendingListener) -> PendingStream {
    soon(listener.accept()).await.expect("a stream")
}

/// Opens streams until `count` wait in the queues of `server`.
async fn queue(client: &Endpoint, server: &Endpoint, count: usize) -> Vec<fastn_net::Stream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(open(client, server, &Protocol::Tcp, USUAL).await.expect("stream"));
    }
    until("all are queued", || server.queued() == count).await;
    streams
}

#[tokio::test]
async fn streams_go_to_waiting_tasks_in_the_order_of_their_calls() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let clone = listener.clone();
    let (mut first, mut gone, mut second) =
        (Box::pin(listener.accept()), Box::pin(clone.accept()), Box::pin(clone.accept()));
    assert!(waits(&mut first).await && waits(&mut gone).await && waits(&mut second).await);
    let streams = queue(&client, &server, 2).await;
    // The other calls were not polled since, and are older.
    let mut late = Box::pin(listener.accept());
    assert!(waits(&mut late).await, "a late call overtakes those that wait");
    assert!(waits(&mut second).await, "the second overtakes the first");
    drop(gone);
    let first = soon(first).await.expect("stream");
    let second = soon(second).await.expect("stream");
    assert_eq!([first.stream.id(), second.stream.id()], [streams[0].id(), streams[1].id()]);
    assert!(waits(&mut late).await);
    server.drain();
    assert_eq!(soon(late).await.expect_err("drained").code(), Code::Closed);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_dropped_call_passes_its_turn_on() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut first, mut second) = (Box::pin(listener.accept()), Box::pin(listener.accept()));
    assert!(waits(&mut first).await && waits(&mut second).await);
    let _streams = queue(&client, &server, 1).await;
    drop(first);
    soon(second).await.expect("stream");
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_call_that_is_not_polled_does_not_starve_the_others() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    // These futures are polled once, and then neither polled nor dropped until the end.
    let (mut stalled, mut also_stalled) = (Box::pin(listener.accept()), Box::pin(listener.accept()));
    assert!(waits(&mut stalled).await && waits(&mut also_stalled).await);
    let clone = listener.clone();
    let waiting = tokio::spawn(async move { clone.accept().await.expect("stream").stream.id() });
    let streams = queue(&client, &server, 1).await;
    assert_eq!(soon(waiting).await.expect("task"), streams[0].id());
    for _ in 0..3 {
        let streams = queue(&client, &server, 1).await;
        assert_eq!(soon(listener.accept()).await.expect("stream").stream.id(), streams[0].id());
    }
    let streams = queue(&client, &server, 1).await;
    assert_eq!(soon(stalled).await.expect("stream").stream.id(), streams[0].id());
    server.drain();
    assert_eq!(soon(also_stalled).await.expect_err("drained").code(), Code::Closed);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_call_that_is_not_polled_does_not_starve_the_others_of_connections() {
    let (_client, server) = pair().await;
    let listener = server.listen_connections().expect("listen");
    let clone = listener.clone();
    let mut stalled = Box::pin(clone.accept());
    assert!(waits(&mut stalled).await);
    let raws = [Raw::bind(&[]).await, Raw::bind(&[]).await];
    for raw in &raws {
        let _connection = raw.dial(&server, Alpn::FastnNet).await;
        assert_eq!(soon(listener.accept()).await.expect("connection").remote(), raw.id());
    }
    assert!(waits(&mut stalled).await);
    close(&[&server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_are_polled_take_streams_in_turn() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (taken, mut order) = tokio::sync::mpsc::unbounded_channel();
    for task in 0..3 {
        let (listener, taken) = (listener.clone(), taken.clone());
        tokio::spawn(async move {
            while let Ok(incoming) = listener.accept().await {
                let _ = taken.send((task, incoming));
            }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut turns = Vec::new();
    for _ in 0..12 {
        let _stream = open(&client, &server, &Protocol::Tcp, USUAL).await.expect("stream");
        let (task, _incoming) = soon(order.recv()).await.expect("a task");
        turns.push(task);
    }
    // A busy machine may delay a task until the others pass it over.
    for task in 0..3 {
        assert!(turns.iter().filter(|turn| **turn == task).count() >= 2, "{turns:?}");
    }
    server.drain();
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn connections_go_to_waiting_tasks_in_the_order_of_their_calls() {
    let (_client, server) = pair().await;
    let listener = server.listen_connections().expect("listen");
    let clone = listener.clone();
    let (mut first, mut second) = (Box::pin(listener.accept()), Box::pin(clone.accept()));
    assert!(waits(&mut first).await && waits(&mut second).await);
    let raws = [Raw::bind(&[]).await, Raw::bind(&[]).await];
    let mut connections = Vec::new();
    for raw in &raws {
        connections.push(raw.dial(&server, Alpn::FastnNet).await);
    }
    until("both are there", || server.peers().iter().filter(|peer| !peer.connections.is_empty()).count() == 2).await;
    let mut late = Box::pin(listener.accept());
    assert!(waits(&mut late).await, "a late call overtakes those that wait");
    let first = soon(first).await.expect("connection");
    let second = soon(second).await.expect("connection");
    assert_eq!([first.remote(), second.remote()], [raws[0].id(), raws[1].id()]);
    server.drain();
    assert_eq!(soon(late).await.expect_err("drained").code(), Code::Closed);
    close(&[&server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_connection_is_among_the_peers() {
    let (_client, server) = pair().await;
    let listener = server.listen_connections().expect("listen");
    for _ in 0..20 {
        let raw = Raw::bind(&[]).await;
        // A thread that spins looks sooner than a task that is woken.
        let (server_there, listener) = (server.clone(), listener.clone());
        let accepting = tokio::task::spawn_blocking(move || {
            let mut cx = Context::from_waker(Waker::noop());
            let connection = loop {
                if let Poll::Ready(connection) = listener.poll_accept(&mut cx) {
                    break connection.expect("connection");
                }
            };
            let peers = server_there.peers();
            let peer = peers.iter().find(|peer| peer.id == connection.remote());
            peer.map(|peer| (peer.status.state, peer.connections.len(), peer.preferred))
        });
        let _connection = raw.dial(&server, Alpn::FastnNet).await;
        assert_eq!(soon(accepting).await.expect("task"), Some((PeerState::Connected, 1, true)));
        raw.close().await;
    }
    close(&[&server]).await;
}

#[tokio::test]
async fn the_last_clone_of_a_listener_frees_its_protocols() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let clone = listener.clone();
    drop(listener);
    let in_use = server.listen(None, &[Protocol::Tcp], false).expect_err("in use");
    assert_eq!(in_use.code(), Code::ProtocolInUse);
    let _streams = queue(&client, &server, 1).await;
    soon(clone.accept()).await.expect("stream");
    drop(clone);
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("free again");
    let connections = server.listen_connections().expect("listen");
    let clone = connections.clone();
    drop(connections);
    assert_eq!(server.listen_connections().expect_err("in use").code(), Code::ProtocolInUse);
    drop(clone);
    server.listen_connections().expect("free again");
    drop(listener);
    close(&[&client, &server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_share_a_listener_and_take_each_stream_once() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let listener = listener.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Ok(mut incoming) = listener.accept().await {
                    taken.push(incoming.stream.id());
                    let _ = write_all(&mut incoming.stream, b"hello").await;
                    incoming.stream.finish();
                }
                taken
            })
        })
        .collect();
    let mut opened = Vec::new();
    for _ in 0..50 {
        let stream = open(&client, &server, &Protocol::Tcp, USUAL).await.expect("stream");
        opened.push(stream.id());
        assert_eq!(exchange(stream, b"").await.expect("answer"), b"hello");
    }
    server.drain();
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(soon(task).await.expect("task"));
    }
    taken.sort_unstable();
    assert_eq!(taken, opened);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_pending_stream_gets_no_byte_before_it_is_accepted() {
    let (_, server) = pair().await;
    let listener = server.listen_pending(None, &[Protocol::Tcp], true).expect("listen");
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&server, alpn).await;
        for (header, protocol) in [(&b"\"Tcp\"\n"[..], Protocol::Tcp), (b"{\"Generic\":\"x\"}\n", generic("x"))] {
            // Without and with payload after the header.
            for payload in [&b""[..], b"hello"] {
                let mut stream = RawStream::start(&connection, &[header, payload].concat()).await;
                let pending = pending(&listener).await;
                assert_eq!((pending.peer(), pending.protocol()), (raw.id(), &protocol));
                assert!(pending.connection().is_live());
                let mut early = Box::pin(async { stream.recv.read_chunk(1).await.map(|_| ()) });
                assert!(waits(&mut early).await);
                // Longer than the core delays the ack of a queued stream.
                tokio::time::sleep(Duration::from_millis(100)).await;
                assert!(waits(&mut early).await, "answered before it was accepted");
                drop(early);
                let mut accepted = pending.accept();
                stream.hears(b"ack\n").await;
                stream.end(b" world").await;
                assert_eq!(read_to_end(&mut accepted).await.expect("payload"), [payload, b" world"].concat());
                accepted.finish();
                stream.hears_last(b"").await;
            }
        }
        raw.close().await;
    }
    close(&[&server]).await;
}

#[tokio::test]
async fn a_queued_pending_stream_gets_no_ack_either() {
    let (client, server) = pair().await;
    let listener = server.listen_pending(None, &[Protocol::Tcp], false).expect("listen");
    let mut stream = open(&client, &server, &Protocol::Tcp, LATER).await.expect("stream");
    write_all(&mut stream, b"hello").await.expect("write");
    until("it is queued", || server.queued() == 1).await;
    let mut acknowledged = Box::pin(stream.acknowledged());
    assert!(waits(&mut acknowledged).await);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(waits(&mut acknowledged).await, "acknowledged before it was accepted");
    let _accepted = pending(&listener).await.accept();
    soon(acknowledged).await.expect("ack");
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_pending_stream_is_refused_with_any_word() {
    let (client, server) = pair().await;
    let listener = server.listen_pending(None, &[Protocol::Tcp], false).expect("listen");
    let words = [
        (word::UNSUPPORTED, Code::ProtocolUnsupported),
        (word::UNAUTHORIZED, Code::Unauthorized),
        (word::TOO_MANY_STREAMS, Code::TooManyStreams),
        (word::BUSY, Code::Busy),
        (word::SHUTDOWN, Code::ShuttingDown),
        ("out-of-tea", Code::Refused),
    ];
    for (word, code) in words {
        let refuse = async { pending(&listener).await.refuse(word, "not now") };
        let (opened, ()) = tokio::join!(open(&client, &server, &Protocol::Tcp, USUAL), refuse);
        let refused = opened.expect_err("refused");
        assert_eq!((refused.code(), refused.remote_code()), (code, Some(word)), "{refused}");
        assert!(refused.message().contains("not now"), "{refused}");
    }
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&server, alpn).await;
        let mut stream = RawStream::start(&connection, b"\"Tcp\"\nhello").await;
        pending(&listener).await.refuse(word::BUSY, "not now");
        stream.hears_last(b"{\"error\":\"busy\",\"message\":\"not now\"}\n").await;
        assert_eq!(stream.is_stopped().await, 0);
        let mut stream = RawStream::start(&connection, b"\"Tcp\"\n").await;
        drop(pending(&listener).await);
        stream.is_refused("busy").await;
        raw.close().await;
    }
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn queued_pending_streams_are_refused_when_the_endpoint_drains_or_the_listener_ends() {
    for drains in [true, false] {
        let (_, server) = pair().await;
        let listener = server.listen_pending(None, &[Protocol::Tcp], false).expect("listen");
        let _other = server.listen(None, &[Protocol::Http], false).expect("listen");
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&server, Alpn::FastnNet).await;
        let mut stream = RawStream::start(&connection, b"\"Tcp\"\n").await;
        until("it is queued", || server.queued() == 1).await;
        if drains {
            server.drain();
            stream.is_refused("shutdown").await;
            assert_eq!(soon(listener.accept()).await.expect_err("drained").code(), Code::Closed);
        } else {
            drop(listener);
            stream.is_refused("unsupported").await;
        }
        assert_eq!(server.queued(), 0);
        raw.close().await;
        close(&[&server]).await;
    }
}

#[tokio::test]
async fn pending_streams_of_one_connection_are_accepted_there() {
    let (client, server) = pair().await;
    let connections = server.listen_connections().expect("listen");
    let peer = client.peer(&server.address()).expect("peer");
    let _connection = soon(client.connect(&peer, GENEROUS)).await.expect("connection");
    let theirs = soon(connections.accept()).await.expect("connection");
    let listener = server.listen_pending(Some(theirs.id()), &[Protocol::Tcp], false).expect("listen");
    let accept = async { pending(&listener).await.accept() };
    let (opened, _accepted) = tokio::join!(open(&client, &server, &Protocol::Tcp, USUAL), accept);
    opened.expect("stream");
    theirs.close(7, "enough");
    assert_eq!(soon(listener.accept()).await.expect_err("ended").code(), Code::Closed);
    close(&[&client, &server]).await;
}
