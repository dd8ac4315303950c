//! Upgrades: WebSocket and any other protocol.

use std::time::Duration;

use fastn_net::{Code, Protocol};
use tokio::io::{AsyncWriteExt, Interest};

use crate::{
    support::{USUAL, exchange, open, pattern, soon, until},
    tunnelled::{Http, Tunnelled, field},
};

/// Both ends of an upgraded connection.
async fn upgraded(tunnelled: &Tunnelled) -> (Http, Http) {
    let mut client = tunnelled.connect().await;
    let host = tunnelled.host();
    client
        .send(&format!(
            "GET /chat HTTP/1.1\r\nhost: {host}\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\r\near\nly\n"
        ))
        .await;
    let mut service = tunnelled.accept().await;
    let head = service.head().await;
    assert_eq!((field(&head, "connection"), field(&head, "upgrade")), (Some("upgrade"), Some("websocket")), "{head}");
    service.send("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nhello").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(field(&head, "upgrade"), Some("websocket"), "{head}");
    assert_eq!(client.bytes(5).await, b"hello");
    assert_eq!(service.bytes(7).await, b"ear\nly\n");
    (client, service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_upgrade_bytes_pass_both_ways_and_each_direction_ends_separately() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = upgraded(&tunnelled).await;
    let (request, answer) = (pattern(1_000_000), pattern(700_000));
    let sending = async {
        client.0.write_all(&request).await.expect("write");
        client.0.shutdown().await.expect("shutdown");
        client.bytes(answer.len()).await
    };
    let serving = async {
        let received = service.bytes(request.len()).await;
        assert_eq!(service.rest().await, "", "the client has ended its direction");
        service.0.write_all(&answer).await.expect("write");
        service.0.shutdown().await.expect("shutdown");
        received
    };
    let (answered, received) = soon(async { tokio::join!(sending, serving) }).await;
    assert!(received == request && answered == answer, "bytes differ");
    assert_eq!(client.rest().await, "");
    until("both sides have let go", || {
        tunnelled.exposed.connection_count() == 0 && tunnelled.bridge.connection_count() == 0
    })
    .await;
    tunnelled.close().await;
}

#[tokio::test]
async fn a_failure_after_an_upgrade_is_a_reset() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, service) = upgraded(&tunnelled).await;
    socket2::SockRef::from(&service.0).set_linger(Some(std::time::Duration::ZERO)).expect("linger");
    drop(service);
    client.reset().await;

    let (client, mut service) = upgraded(&tunnelled).await;
    socket2::SockRef::from(&client.0).set_linger(Some(std::time::Duration::ZERO)).expect("linger");
    drop(client);
    service.reset().await;

    let (mut client, mut service) = upgraded(&tunnelled).await;
    let revoked = tunnelled.client.id();
    tunnelled.server.change_access(|lists| lists.deny(revoked));
    client.reset().await;
    service.reset().await;
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_learns_of_a_lost_peer() {
    let tunnelled = Tunnelled::new().await;
    let (client, mut service) = upgraded(&tunnelled).await;
    let chunk = vec![1; 64 * 1024];
    let full = Duration::from_millis(500);
    while let Ok(written) = tokio::time::timeout(full, service.0.write_all(&chunk)).await {
        written.expect("write");
    }
    tunnelled.server.close_now();
    // Without reading, which would make room.
    let failed = async { client.0.ready(Interest::ERROR).await.expect("readiness") };
    let ready = tokio::time::timeout(Duration::from_secs(10), failed).await.expect("a reset within 10 s");
    assert!(ready.is_error());
    until("the connection ends", || tunnelled.bridge.connection_count() == 0).await;
    tunnelled.close().await;
}

#[tokio::test]
async fn an_upgrade_that_the_service_declines_is_a_plain_request() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    let host = tunnelled.host();
    let asking = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    // What follows is HTTP still.
    let asking = format!("{asking}GET / HTTP/1.1\r\nhost: {host}\r\nx: a\nfastn: b\r\n\r\n");
    let declined = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno";
    client.send(&asking).await;
    let mut service = tunnelled.accept().await;
    service.head().await;
    service.send(declined).await;
    let (head, body) = client.answer().await;
    assert_eq!((field(&head, "upgrade"), body.as_str()), (None, "no"));
    assert!(client.head().await.starts_with("HTTP/1.1 400 "));

    // The same at the exposing side.
    let stream = open(&tunnelled.client, &tunnelled.server, &Protocol::service("http", Some("")), USUAL).await;
    let declining = async {
        let mut service = tunnelled.accept().await;
        service.head().await;
        service.send(declined).await;
    };
    let (answered, ()) = tokio::join!(soon(exchange(stream.expect("stream"), asking.as_bytes())), declining);
    // hyper shuts down no connection on which an upgrade was declined.
    assert_eq!(answered.expect_err("a reset after the status 400").code(), Code::StreamReset);
    tunnelled.close().await;
}

#[tokio::test]
async fn no_upgrade_bypasses_the_checks_of_requests() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    let host = tunnelled.host();
    client
        .send(&format!(
            "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n"
        ))
        .await;
    let mut service = tunnelled.accept().await;
    let head = service.head().await;
    for name in ["connection", "upgrade", "http2-settings"] {
        assert_eq!(field(&head, name), None, "{head}");
    }
    // The next one is checked.
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno").await;
    assert_eq!(client.answer().await.1, "no");
    client.send(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nx: a\nfastn: b\r\n\r\n")).await;
    assert!(client.answer().await.0.starts_with("HTTP/1.1 400 "));

    let mut client = tunnelled.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
    service.head().await;
    // Nor does an upgrade that the service starts by itself.
    service.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n").await;
    assert!(client.answer().await.0.starts_with("HTTP/1.1 502 "));
    tunnelled.close().await;
}
