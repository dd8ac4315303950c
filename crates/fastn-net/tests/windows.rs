//! Receive windows: of one connection, and of all connections of a peer.

mod support;

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use fastn_net::{Code, Endpoint, Protocol, wire::alpn::Alpn};
use iroh::endpoint::{Connection, SendStream};
use support::{
    GENEROUS, USUAL, close, echo, endpoint_with, exchange, generic, header, introduce, limits, open,
    raw::{Raw, RawStream},
    read_exact, soon, stream, until, write_all,
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

    /// Writes until flow control blocks. Returns the number of bytes.
    fn send(&mut self) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        let send: &mut SendStream = &mut self.stream.send;
        while let Poll::Ready(Ok(count)) = Pin::new(&mut *send).poll_write(&mut cx, &[0; 4 * 1024]) {
            self.sent += count;
        }
        self.sent
    }
}

/// Checks how many bytes each can send.
async fn can_send(floods: &mut [Flood], windows: &[usize]) {
    until("all is sent", || floods.iter_mut().zip(windows).all(|(flood, window)| flood.send() >= *window)).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    for (flood, window) in floods.iter_mut().zip(windows) {
        // The header was read, so its bytes are free again.
        let sent = flood.send();
        assert!((*window..=window + HEADER.len()).contains(&sent), "{sent} of {window}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connections_of_a_peer_share_a_receive_window() {
    let limits = limits()
        .with_receive_window(u32::try_from(EACH).expect("small"))
        .with_receive_window_per_peer(u64::try_from(2 * EACH).expect("small"));
    let endpoint = endpoint_with(limits).await;
    let _unread = endpoint.listen(None, &[Protocol::Tcp], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let mut floods = Vec::new();
    for _ in 0..4 {
        floods.push(Flood::start(&raw, &endpoint).await);
    }
    // The third gets the remainder of two first windows.
    can_send(&mut floods, &[EACH, EACH, 3 * FIRST, FIRST]).await;
    // Another peer has its own.
    let other = Raw::bind(&[]).await;
    can_send(&mut [Flood::start(&other, &endpoint).await], &[EACH]).await;
    // The newest connection inherits the share of a closed one.
    floods.remove(0).connection.close(0u8.into(), b"");
    can_send(&mut floods, &[EACH, 3 * FIRST, EACH]).await;
    floods.remove(0).connection.close(0u8.into(), b"");
    can_send(&mut floods, &[EACH, EACH]).await;
    for raw in [raw, other] {
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

/// Two endpoints that wait for acks and pongs as long as a busy machine needs to move 100 MB. A starved stream never gets its ack.
async fn patient_pair() -> (Endpoint, Endpoint) {
    let limits = limits().with_ack_timeout(GENEROUS).with_ping_timeout(GENEROUS);
    let (a, b) = (endpoint_with(limits).await, endpoint_with(limits).await);
    introduce(&a, &b);
    (a, b)
}

/// Receive window of one stream, in bytes.
const STREAM: usize = 1_250_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_streams_do_not_starve_the_other_streams_of_a_connection() {
    let (a, b) = patient_pair().await;
    let tcp = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let echoes = [echo(&a, &[generic("Echo")]), echo(&b, &[generic("Echo")])];
    let bytes = vec![0; STREAM - header(&Protocol::Tcp).len()];
    let mut unread = Vec::new();
    for _ in 0..40 {
        let (mut opened, mut accepted) = stream(&a, &b, &Protocol::Tcp, &tcp).await;
        // The accepting side has sent an ack, which is shorter than the header.
        write_all(&mut opened, &bytes).await.expect("a to b");
        write_all(&mut accepted, &bytes).await.expect("b to a");
        unread.push((opened, accepted));
    }
    for (from, to) in [(&a, &b), (&b, &a)] {
        let opened = open(from, to, &generic("Echo"), USUAL).await.expect("an acknowledged stream");
        assert_eq!(exchange(opened, b"small").await.expect("an echo"), b"small");
        let peer = from.peer(&to.address()).expect("peer");
        soon(from.ping(&peer, GENEROUS)).await.expect("a ping");
    }
    drop(unread);
    close(&[&a, &b]).await;
    for echo in echoes {
        soon(echo).await.expect("echo");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_read_make_progress_beside_unread_ones() {
    // Each count leaves another share of the window free.
    for unread_streams in [12, 19, 27, 35] {
        let (a, b) = patient_pair().await;
        let tcp = b.listen(None, &[Protocol::Tcp], false).expect("listen");
        let http = b.listen(None, &[Protocol::Http], false).expect("listen");
        let bytes = vec![0; STREAM - header(&Protocol::Tcp).len()];
        let mut unread = Vec::new();
        for _ in 0..unread_streams {
            let (mut opened, accepted) = stream(&a, &b, &Protocol::Tcp, &tcp).await;
            write_all(&mut opened, &bytes).await.expect("a to b");
            unread.push((opened, accepted));
        }
        let (mut sending, mut reading) = stream(&a, &b, &Protocol::Http, &http).await;
        let piece = vec![0; 500_000];
        for _ in 0..40 {
            let write = write_all(&mut sending, &piece);
            let read = read_exact(&mut reading, piece.len());
            let (written, read) = soon(async { tokio::join!(write, read) }).await;
            written.expect("a to b");
            read.expect("all that was sent");
        }
        drop(unread);
        close(&[&a, &b]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_name_the_cause_when_unread_streams_fill_the_window_of_a_peer() {
    // Long enough for an acknowledgement on a busy machine.
    let short = Duration::from_millis(1500);
    let a = endpoint_with(limits().with_ack_timeout(short).with_ping_timeout(short)).await;
    let window = u32::try_from(EACH).expect("small");
    let b = endpoint_with(limits().with_receive_window(window).with_receive_window_per_peer(u64::from(window))).await;
    introduce(&a, &b);
    let tcp = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut filling, mut unread) = stream(&a, &b, &Protocol::Tcp, &tcp).await;
    let mut cx = Context::from_waker(Waker::noop());
    let mut sent = 0;
    until("the window is full", || {
        while let Poll::Ready(Ok(count)) = filling.poll_write(&mut cx, &[0; 4096]) {
            sent += count;
        }
        sent + header(&Protocol::Tcp).len() >= EACH
    })
    .await;
    let error = open(&a, &b, &Protocol::Tcp, USUAL).await.expect_err("no room for a header");
    assert_eq!(error.code(), Code::AckTimeout);
    assert!(error.to_string().contains("must read or stop the other streams"), "{error}");
    let peer = a.peer(&b.address()).expect("peer");
    let error = soon(a.ping(&peer, Duration::from_secs(5))).await.expect_err("no room for a ping");
    assert_eq!(error.code(), Code::Ping);
    assert!(error.to_string().contains("must read or stop the other streams"), "{error}");
    read_exact(&mut unread, sent).await.expect("all of it");
    let _ = stream(&a, &b, &Protocol::Tcp, &tcp).await;
    soon(a.ping(&peer, Duration::from_secs(5))).await.expect("a ping");
    close(&[&a, &b]).await;
}
