//! Draining: new streams are refused, running ones continue.

use std::future::poll_fn;

use crate::support::{
    GENEROUS, LATER, ONCE, USUAL, close, echo, endpoint, endpoint_with, exchange, header, incoming, introduce, limits,
    open, open_at, pair, pattern,
    raw::{Raw, RawStream},
    read_to_end, soon, stream, until, waits, write_all,
};
use fastn_net::{
    Code, Listener, Protocol, Result, Stream,
    wire::{alpn::Alpn, codes::close as codes},
};
use iroh::endpoint::ConnectionError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_opens_while_the_endpoint_closes() {
    let a = endpoint().await;
    let listener = a.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&a, &address, &Protocol::Tcp, LATER), async { raw.accept().await });
    // The missing acknowledgement keeps it closing.
    let mut stream = opened.expect("stream");
    stream.finish();
    let peer = a.peer(&address).expect("peer");
    let held = a.connection(stream.connection().id()).expect("connection");
    let closing = a.close(GENEROUS);
    // Holds from the call on, even before the future is polled.
    let header = header(&Protocol::Tcp);
    let refused = |what: &str, opened: Result<Option<Stream>>| match opened {
        Ok(opened) => panic!("{what} opened {opened:?}"),
        Err(error) => assert_eq!(error.code(), Code::Closed, "{what}: {error}"),
    };
    for options in [LATER, USUAL, ONCE] {
        refused("tryOpen", a.try_open(&peer, &header, options));
        refused("open", soon(a.get_stream(&peer, &header, options)).await.map(Some));
        refused("openBi", soon(a.open_bi(&held, &header, options)).await.map(Some));
        refused("the connection", held.try_open(&header, options));
    }
    until("the listener ends", || listener_is_closed(&listener)).await;
    assert!(held.is_live());
    refused("openBi", soon(a.open_bi(&held, &header, LATER)).await.map(Some));
    assert_eq!(soon(a.connect(&peer, GENEROUS)).await.expect_err("closing").code(), Code::Closed);
    assert_eq!(soon(a.ping(&peer, GENEROUS)).await.expect_err("closing").code(), Code::Closed);
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("shutdown").await;
    RawStream::start(&connection, b"\"Tcp\"\n").await.is_refused("shutdown").await;
    raw.close().await;
    soon(closing).await;
}

fn listener_is_closed(listener: &Listener) -> bool {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    matches!(listener.poll_accept(&mut cx, 1), std::task::Poll::Ready(Err(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_refuses_new_work_lets_open_streams_continue() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut mine = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let mut theirs = incoming(&listener).await.stream;
    let peer = a.peer(&b.address()).expect("peer");
    a.refuse_new_work();
    let refused = soon(a.get_stream(&peer, &header(&Protocol::Tcp), USUAL)).await;
    assert_eq!(refused.expect_err("closing").code(), Code::Closed);
    write_all(&mut mine, b"still here").await.expect("write");
    mine.finish();
    assert_eq!(read_to_end(&mut theirs).await.expect("bytes"), b"still here");
    assert!(soon(a.close(GENEROUS)).await.is_clean());
    close(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_refuses_new_streams_and_lets_running_ones_continue() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let inbound = b.listen_connections().expect("inbound");
    let (mut asking, mut answering) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    // An acknowledged stream that was not taken is still handed out.
    let waiting = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("acknowledged");
    b.drain();
    b.drain();

    let refused = open(&a, &b, &Protocol::Tcp, USUAL).await.expect_err("refused");
    assert_eq!(refused.code(), Code::ShuttingDown, "{refused}");
    let unserved = open(&a, &b, &Protocol::Http, USUAL).await.expect_err("refused");
    assert_eq!(unserved.code(), Code::ShuttingDown, "{unserved}");
    let stranger = Raw::bind(&[]).await;
    let turned_away = stranger.dial(&b, Alpn::FastnNet).await;
    let ConnectionError::ApplicationClosed(told) = soon(turned_away.closed()).await else { panic!("a new connection") };
    assert_eq!(u64::from(told.error_code), codes::SHUTDOWN);
    stranger.close().await;
    let listening = b.listen(None, &[Protocol::Http], false).map(drop).expect_err("drains");
    assert_eq!(listening.code(), Code::ShuttingDown, "{listening}");

    assert_eq!(incoming(&listener).await.stream.id(), waiting.id());
    assert_eq!(soon(listener.accept()).await.expect_err("the end").code(), Code::Closed);
    soon(poll_fn(|cx| inbound.poll_accept(cx))).await.expect("the connection of before");
    assert_eq!(soon(poll_fn(|cx| inbound.poll_accept(cx))).await.expect_err("the end").code(), Code::Closed);

    // Running handlers continue, and may open streams to other peers.
    let bytes = pattern(100_000);
    write_all(&mut answering, &bytes).await.expect("write");
    answering.finish();
    assert!(read_to_end(&mut asking).await.expect("answer") == bytes);
    let serving = echo(&a, &[Protocol::Tcp]);
    let other = open(&b, &a, &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(exchange(other, b"hello").await.expect("answer"), b"hello");
    soon(a.ping(&a.peer(&b.address()).expect("peer"), GENEROUS)).await.expect("answered");
    close(&[&a, &b]).await;
    soon(serving).await.expect("ends with its endpoint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_waits_for_a_permit_is_refused_on_drain() {
    let a = endpoint().await;
    let b = endpoint_with(limits().with_max_queued_streams(1)).await;
    introduce(&a, &b);
    let _listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let _taken = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let mut waiting = Box::pin(open(&a, &b, &Protocol::Tcp, USUAL));
    assert!(waits(&mut waiting).await);
    b.drain();
    assert_eq!(soon(waiting).await.expect_err("refused").code(), Code::ShuttingDown);
    close(&[&a, &b]).await;
}
