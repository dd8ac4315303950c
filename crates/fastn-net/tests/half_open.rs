//! Closing an endpoint while handshakes of its peers are half open.

mod support;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use fastn_net::{Endpoint, PeerAddress, Protocol};
use support::{
    GENEROUS, close, echo, endpoint,
    initial::{Answer, ClientHello, destination, socket},
    once_within, soon,
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
    let view = soon(client.connect(&peer, GENEROUS)).await.expect("connection");
    (client, view, running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialler_that_is_connected_first_hears_that_the_endpoint_shuts_down() {
    let mut told = Vec::new();
    // A busy machine may delay the handshake beyond the grace period.
    for _ in 0..5 {
        let server = endpoint().await;
        echo(&server, &[Protocol::Tcp]);
        let (client, view, _delaying) = connected_first(&server, Duration::from_millis(40)).await;
        let began = Instant::now();
        assert_eq!(soon(server.close(LIMIT)).await, 0);
        let info = soon(view.closed()).await;
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
async fn a_dialler_whose_handshake_takes_longer_than_the_grace_hears_a_close_too() {
    // One datagram, which nothing sends again: it may be lost now and then.
    for _ in 0..5 {
        let server = endpoint().await;
        echo(&server, &[Protocol::Tcp]);
        let (client, view, _delaying) = connected_first(&server, Duration::from_secs(2)).await;
        let began = Instant::now();
        soon(server.close(LIMIT)).await;
        let told =
            soon(view.closed()).await.by == fastn_net::ClosedBy::Peer && began.elapsed() < Duration::from_secs(1);
        close(&[&client]).await;
        if told {
            return;
        }
    }
    panic!("no dialler heard it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_handshake_holds_closing_up_for_a_moment_only() {
    let closing = async || {
        let server = endpoint().await;
        echo(&server, &[Protocol::Tcp]);
        let (hello, to) = (ClientHello::to(server.id()).await, server.address().addresses[0]);
        let first = tokio::task::spawn_blocking(move || hello.ask(&socket(1), to, &destination(), &[]));
        assert_eq!(first.await.expect("thread"), Some(Answer::Hello));
        let began = Instant::now();
        assert_eq!(soon(server.close(LIMIT)).await, 0);
        soon(server.freed()).await;
        began.elapsed()
    };
    once_within(Duration::from_millis(500), closing).await;
}
