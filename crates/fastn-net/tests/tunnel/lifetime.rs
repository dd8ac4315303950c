//! How tunnels and their connections end: drain, close, drop, a lost peer.

use std::{io::ErrorKind, time::Duration};

use fastn_net::{Code, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::TcpStream,
};

use super::{
    Tunnelled, connect, read_to_end, read_to_reset,
    support::{GENEROUS, USUAL, close, open, soon, until},
};

#[tokio::test]
async fn a_peer_that_ends_at_once_resets_the_connections_of_the_other() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, _service) = tunnelled.connected().await;
    tunnelled.server.close_now();
    read_to_reset(&mut client).await;

    let tunnelled = Tunnelled::new().await;
    let (_client, mut service) = tunnelled.connected().await;
    tunnelled.client.close_now();
    read_to_reset(&mut service).await;
    tunnelled.close().await;
}

/// A peer that sends until nothing more fits, to a client that has finished sending and reads nothing.
async fn half_closed_and_full(tunnelled: &Tunnelled) -> (TcpStream, TcpStream) {
    let (mut client, mut service) = tunnelled.connected().await;
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut service).await, b"");
    let chunk = vec![1; 64 * 1024];
    let full = Duration::from_millis(500);
    while let Ok(written) = tokio::time::timeout(full, service.write_all(&chunk)).await {
        written.expect("write");
    }
    (client, service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_closed_client_that_reads_nothing_learns_of_a_lost_peer() {
    let tunnelled = Tunnelled::new().await;
    let (client, _service) = half_closed_and_full(&tunnelled).await;
    tunnelled.server.close_now();
    // Without reading, which would make room.
    let failed = async { client.ready(Interest::ERROR).await.expect("readiness") };
    let ready = tokio::time::timeout(Duration::from_secs(10), failed).await.expect("a reset within 10 s");
    assert!(ready.is_error());
    assert_eq!(client.take_error().expect("error").expect("a reset").kind(), ErrorKind::ConnectionReset);
    until("the connection ends", || tunnelled.bridge.connection_count() == 0).await;
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_closed_client_gets_what_arrived_before_the_peer_was_lost() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, _service) = half_closed_and_full(&tunnelled).await;
    tunnelled.server.close_now();
    let mut bytes = Vec::new();
    // Slowly, and never idle for long.
    let error = loop {
        let mut chunk = vec![0; 256 * 1024];
        match soon(client.read(&mut chunk)).await {
            Ok(0) => panic!("a clean end"),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) => break error,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(bytes.len() > 1_250_000, "{} bytes", bytes.len());
    tunnelled.close().await;
}

#[tokio::test]
async fn draining_lets_connections_finish_and_accepts_no_more() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    tunnelled.client.drain();
    tunnelled.server.drain();
    until("the bridge listens no more", || {
        std::net::TcpStream::connect(("127.0.0.1", tunnelled.bridge.port())).is_err()
    })
    .await;
    client.write_all(b"the rest").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut service).await, b"the rest");
    service.write_all(b"thanks").await.expect("write");
    drop(service);
    let (report, answer) = tokio::join!(tunnelled.server.close(GENEROUS), read_to_end(&mut client));
    assert_eq!(answer, b"thanks");
    assert!(report.is_clean(), "{report:?}");
    soon(tunnelled.exposed.closed()).await;
    soon(tunnelled.bridge.closed()).await;
    close(&[&tunnelled.client]).await;
}

#[tokio::test]
async fn closing_a_tunnel_waits_for_its_limit_and_then_resets() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    assert_eq!((tunnelled.bridge.connection_count(), tunnelled.exposed.connection_count()), (1, 1));
    soon(tunnelled.bridge.close(Duration::from_millis(50))).await;
    read_to_reset(&mut client).await;
    read_to_reset(&mut service).await;
    assert!(TcpStream::connect(("127.0.0.1", tunnelled.bridge.port())).await.is_err());
    soon(tunnelled.exposed.close(GENEROUS)).await;
    let error = open(&tunnelled.client, &tunnelled.server, &Protocol::Tcp, USUAL).await.expect_err("not exposed");
    assert_eq!(error.code(), Code::ProtocolUnsupported);
    tunnelled.close().await;
}

#[tokio::test]
async fn a_dropped_tunnel_lets_its_connections_finish() {
    let Tunnelled { client: from, server, service, exposed, bridge } = Tunnelled::new().await;
    let mut client = connect(&bridge).await;
    let mut accepted = soon(service.accept()).await.expect("accept").0;
    drop((exposed, bridge));
    client.write_all(b"still here").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut accepted).await, b"still here");
    close(&[&from, &server]).await;
}
