//! Closing an endpoint while handshakes of its peers are half open.

mod support;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fastn_net::{Code, Connect, Endpoint, Peer, PeerAddress, Protocol, wire::alpn::Alpn};
use support::{
    ANY, GENEROUS, ONCE, USUAL, close, echo, endpoint, endpoint_with, exchange, header,
    initial::{Answer, ClientHello, destination, socket},
    limits, once_within,
    raw::{Raw, RawStream},
    soon, until,
};
use tokio::{net::UdpSocket, task::JoinSet};

const LIMIT: Duration = Duration::from_secs(5);

/// Forwards a dialler's first packet at once and each later one after `delay`: the dialler completes its handshake first.
async fn delaying(to: SocketAddr, delay: Duration) -> (SocketAddr, JoinSet<()>) {
    let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("socket"));
    let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("socket"));
    back.connect(to).await.expect("connect");
    let address = front.local_addr().expect("address");
    let mut running = JoinSet::new();
    running.spawn(async move {
        let (mut there, mut here) = (vec![0; 2048], vec![0; 2048]);
        let (mut dialler, mut delayed) = (None, JoinSet::new());
        loop {
            tokio::select! {
                got = front.recv_from(&mut there) => {
                    let Ok((count, from)) = got else { continue };
                    let (packet, back) = (there[..count].to_vec(), back.clone());
                    let wait = if dialler.replace(from).is_some() { delay } else { Duration::ZERO };
                    delayed.spawn(async move {
                        tokio::time::sleep(wait).await;
                        let _ = back.send(&packet).await;
                    });
                }
                got = back.recv(&mut here) => {
                    let (Ok(count), Some(dialler)) = (got, dialler) else { continue };
                    let _ = front.send_to(&here[..count], dialler).await;
                }
            }
        }
    });
    (address, running)
}

/// A client that is connected, while the server's half of the handshake takes `delay` longer.
async fn connected_first(server: &Endpoint, delay: Duration) -> (Endpoint, fastn_net::ConnectionGuard, JoinSet<()>) {
    let client = endpoint().await;
    let (at, running) = delaying(server.address().addresses[0], delay).await;
    let address = PeerAddress { addresses: vec![at], ..PeerAddress::new(server.id()) };
    let peer = client.peer(&address).expect("peer");
    let guard = soon(client.connect(&peer, GENEROUS)).await.expect("connection");
    (client, guard, running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialler_that_connects_first_gets_the_shutdown_code() {
    let mut told = Vec::new();
    // A busy machine may delay the handshake beyond the grace period.
    for _ in 0..5 {
        let server = endpoint().await;
        echo(&server, &[Protocol::Tcp]);
        let (client, guard, _delaying) = connected_first(&server, Duration::from_millis(40)).await;
        let began = Instant::now();
        assert!(soon(server.close(LIMIT)).await.is_clean());
        let info = soon(guard.closed()).await;
        let took = began.elapsed();
        close(&[&client]).await;
        if (info.code, info.by) == (0x103, fastn_net::ClosedBy::Peer) && took < Duration::from_secs(2) {
            return;
        }
        told.push((info, took));
    }
    panic!("no dialler heard of the shutdown in time: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialler_with_a_slow_handshake_gets_a_close_too() {
    // One datagram, which is not retransmitted: it may be lost now and then.
    for _ in 0..5 {
        let server = endpoint().await;
        echo(&server, &[Protocol::Tcp]);
        let (client, guard, _delaying) = connected_first(&server, Duration::from_secs(2)).await;
        let began = Instant::now();
        soon(server.close(LIMIT)).await;
        let told =
            soon(guard.closed()).await.by == fastn_net::ClosedBy::Peer && began.elapsed() < Duration::from_secs(1);
        close(&[&client]).await;
        if told {
            return;
        }
    }
    panic!("no dialler heard it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_handshake_delays_the_close_only_briefly() {
    let closing = async || {
        let server = endpoint().await;
        echo(&server, &[Protocol::Tcp]);
        let (hello, to) = (ClientHello::to(server.id()).await, server.address().addresses[0]);
        let first = tokio::task::spawn_blocking(move || hello.ask(&socket(1), to, &destination(), &[]));
        assert_eq!(first.await.expect("thread"), Some(Answer::Hello));
        let began = Instant::now();
        assert!(soon(server.close(LIMIT)).await.is_clean());
        soon(server.ports_released()).await;
        began.elapsed()
    };
    once_within(Duration::from_millis(500), closing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_limit_of_a_dial_does_not_bound_inbound_handshakes() {
    let connect = Connect { attempt_timeout: Duration::ZERO, ..limits().connect };
    let server = endpoint_with(limits().with_connect(connect)).await;
    echo(&server, &[Protocol::Tcp]);
    let (client, guard, _delaying) = connected_first(&server, Duration::from_millis(40)).await;
    let stream = soon(client.open_bi(&guard, &header(&Protocol::Tcp), ONCE)).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    drop(guard);
    close(&[&client, &server]).await;
}

/// Forwards packets. Of a dialler's packets only the first, until the returned flag is set: the dialler completes its handshake, and
/// the acceptor does not.
async fn gate(to: SocketAddr) -> (SocketAddr, Arc<AtomicBool>, JoinSet<()>) {
    let (front, back) = (UdpSocket::bind(ANY).await.expect("socket"), UdpSocket::bind(ANY).await.expect("socket"));
    back.connect(to).await.expect("connect");
    let address = front.local_addr().expect("address");
    let is_open = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    let opened = is_open.clone();
    running.spawn(async move {
        let (mut there, mut here, mut dialler) = (vec![0; 2048], vec![0; 2048], None);
        loop {
            tokio::select! {
                got = front.recv_from(&mut there) => {
                    let Ok((count, from)) = got else { continue };
                    if dialler.replace(from).is_none() || opened.load(Ordering::Relaxed) {
                        let _ = back.send(&there[..count]).await;
                    }
                }
                got = back.recv(&mut here) => {
                    let (Ok(count), Some(dialler)) = (got, dialler) else { continue };
                    let _ = front.send_to(&here[..count], dialler).await;
                }
            }
        }
    });
    (address, is_open, running)
}

/// A dialler, and an acceptor that abandons its half of the first handshake, once the dialler has completed its own.
struct GivenUp {
    client: Endpoint,
    peer: Arc<Peer>,
    raw: Raw,
    is_open: Arc<AtomicBool>,
    _running: JoinSet<()>,
}

impl GivenUp {
    async fn start() -> Self {
        let (client, raw) = (endpoint().await, Raw::bind(&[Alpn::FastnNet.as_bytes()]).await);
        let (at, is_open, running) = gate(raw.address().addresses[0]).await;
        let peer = client.peer(&PeerAddress { addresses: vec![at], ..raw.address() }).expect("peer");
        Self { client, peer, raw, is_open, _running: running }
    }

    async fn give_up(&self) {
        let handshake = self.raw.begin_accept().await;
        until("the dialler is connected", || self.peer.connection().is_some()).await;
        drop(handshake);
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// The raw peer is dropped without a close, which would wait for the handshake.
    async fn close(self) {
        close(&[&self.client]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialler_dials_again_when_its_peer_abandons_the_handshake() {
    let scene = GivenUp::start().await;
    // A stream with an extra line is sent again too: a peer without the handshake has read nothing.
    let header = header(&Protocol::Tcp);
    let opening = scene.client.get_stream(&scene.peer, &header, USUAL.with_extra(true));
    let accepting = async {
        scene.give_up().await;
        let connection = scene.raw.accept().await;
        let mut stream = RawStream::accept(&connection).await;
        stream.hears(&header).await;
        stream.say(b"ack\n").await;
        (connection, stream)
    };
    let (opened, accepted) = tokio::join!(soon(opening), accepting);
    opened.expect("stream");
    drop(accepted);
    // A ping too.
    scene.close().await;
    let scene = GivenUp::start().await;
    let pinging = scene.client.ping(&scene.peer, GENEROUS);
    let answering = async {
        scene.give_up().await;
        let connection = scene.raw.accept().await;
        let mut stream = RawStream::accept(&connection).await;
        stream.hears(b"\"Ping\"\n").await;
        stream.end(b"ack\npong\n").await;
        connection
    };
    let (pinged, connection) = tokio::join!(soon(pinging), answering);
    pinged.expect("answer");
    drop(connection);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_its_peer_abandons_is_a_failed_dial() {
    let scene = GivenUp::start().await;
    let header = header(&Protocol::Tcp);
    let opening = scene.client.get_stream(&scene.peer, &header, ONCE);
    let (opened, ()) = tokio::join!(soon(opening), scene.give_up());
    let error = opened.map(drop).expect_err("given up");
    assert_eq!(error.code(), Code::Unreachable, "{error}");
    let told = || scene.peer.status().last_error.is_some_and(|error| error.code() == Code::Unreachable);
    until("the actor knows", told).await;
    assert_eq!(scene.peer.status().attempts, 1);
    scene.close().await;

    let scene = GivenUp::start().await;
    let (guard, ()) = tokio::join!(soon(scene.client.connect(&scene.peer, GENEROUS)), scene.give_up());
    let guard = guard.expect("connected on this side");
    soon(guard.closed()).await;
    let error = soon(scene.client.open_bi(&guard, &header, USUAL)).await.map(drop).expect_err("given up");
    assert_eq!(error.code(), Code::Unreachable, "{error}");
    scene.close().await;
}
