//! How much a peer may send before somebody reads it: on one connection, and on all of them.

mod support;

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use fastn_net::{Endpoint, Limits, Protocol, wire::alpn::Alpn};
use iroh::endpoint::{Connection, SendStream};
use support::{
    close, endpoint_with, limits,
    raw::{Raw, RawStream},
    until,
};

const FIRST: usize = 64 * 1024;
const EACH: usize = 512 * 1024;

/// A connection to an endpoint that reads nothing but headers, and a stream on it.
struct Flood {
    connection: Connection,
    stream: RawStream,
    sent: usize,
}

const HEADER: &[u8] = b"\"Tcp\"\n";

impl Flood {
    async fn start(raw: &Raw, to: &Endpoint) -> Self {
        let connection = raw.dial(to, Alpn::FastnNet).await;
        let mut stream = RawStream::start(&connection, HEADER).await;
        stream.hears(b"ack\n").await;
        Self { connection, stream, sent: HEADER.len() }
    }

    /// As many bytes as are taken.
    fn send(&mut self) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        let send: &mut SendStream = &mut self.stream.send;
        while let Poll::Ready(Ok(count)) = Pin::new(&mut *send).poll_write(&mut cx, &[0; 4 * 1024]) {
            self.sent += count;
        }
        self.sent
    }
}

/// They can send so much each, and no more.
async fn can_send(floods: &mut [Flood], windows: &[usize]) {
    until("all is sent", || floods.iter_mut().zip(windows).all(|(flood, window)| flood.send() >= *window)).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    for (flood, window) in floods.iter_mut().zip(windows) {
        // The header was read, and its bytes were given back.
        let sent = flood.send();
        assert!((*window..=window + HEADER.len()).contains(&sent), "{sent} of {window}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connections_of_a_peer_share_what_it_may_send() {
    let limits = Limits {
        receive_window: u32::try_from(EACH).expect("small"),
        receive_window_per_peer: u64::try_from(2 * EACH).expect("small"),
        ..limits()
    };
    let endpoint = endpoint_with(limits).await;
    let _unread = endpoint.listen(None, &[Protocol::Tcp], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let mut floods = Vec::new();
    for _ in 0..4 {
        floods.push(Flood::start(&raw, &endpoint).await);
    }
    // The third gets what the first windows of two others left.
    can_send(&mut floods, &[EACH, EACH, 3 * FIRST, FIRST]).await;
    // Another peer has its own.
    let other = Raw::bind(&[]).await;
    can_send(&mut [Flood::start(&other, &endpoint).await], &[EACH]).await;
    // What one gives up the newest gets.
    floods.remove(0).connection.close(0u8.into(), b"");
    can_send(&mut floods, &[EACH, 3 * FIRST, EACH]).await;
    floods.remove(0).connection.close(0u8.into(), b"");
    can_send(&mut floods, &[EACH, EACH]).await;
    for raw in [raw, other] {
        raw.close().await;
    }
    close(&[&endpoint]).await;
}
