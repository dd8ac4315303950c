//! Stream slots: the peer gets freed ones before it needs them, and at no cost while it has many.

mod support;

use std::time::Duration;

use fastn_net::{Protocol, wire::alpn::Alpn};
use support::{
    USUAL, close, echo, endpoint, exchange, open, pair,
    raw::{Raw, RawStream},
};

/// Default of `Limits::max_streams`.
const SLOTS: usize = 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_free_slots_are_announced_at_once() {
    let (a, b) = pair().await;
    let _served = echo(&b, &[Protocol::Tcp]);
    let mut held = Vec::new();
    while held.len() < SLOTS - 1 {
        held.push(open(&a, &b, &Protocol::Tcp, USUAL).await.expect("a place"));
    }
    for stream in held.drain(..3) {
        exchange(stream, b"it ends").await.expect("echo");
    }
    // Each needs the slot of a stream that has ended.
    let options = USUAL.with_timeout(Duration::from_secs(5));
    for _ in 0..20 {
        let stream = open(&a, &b, &Protocol::Tcp, options).await.expect("a free place");
        assert_eq!(exchange(stream, b"request").await.expect("echo"), b"request");
    }
    drop(held);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_do_not_cost_a_frame_each() {
    let server = endpoint().await;
    let _served = echo(&server, &[Protocol::Tcp]);
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&server, Alpn::FastnNet).await;
    for _ in 0..200 {
        let mut stream = RawStream::start(&connection, b"\"Tcp\"\n").await;
        stream.hears(b"ack\n").await;
        stream.end(b"").await;
        stream.hears_last(b"").await;
    }
    assert!(connection.stats().frame_rx.max_streams_bidi <= 2, "a frame for 128 streams");
    raw.close().await;
    close(&[&server]).await;
}
