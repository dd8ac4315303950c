//! Requests that fail, and tunnels that close.

use std::time::Duration;

use fastn_net::tunnel::{Allow, BridgeHttpOptions, ExposeHttpOptions};
use tokio::net::TcpListener;

use crate::{
    support::{GENEROUS, close, pair, soon, until},
    tunnelled::{Tunnelled, bridge, connect, target},
};

#[tokio::test]
async fn a_service_that_fails_during_an_answer_is_a_reset() {
    let tunnelled = Tunnelled::new().await;
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let (mut client, mut service, _) = tunnelled.get("/").await;
        service.send(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhello\r\n")).await;
        client.text_until("hello").await;
        drop(service);
        client.reset().await;
    }
    tunnelled.close().await;
}

#[tokio::test]
async fn a_service_without_an_answer_is_a_bad_gateway() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, service, _) = tunnelled.get("/").await;
    drop(service);
    let (head, body) = client.answer().await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert!(body.contains("failed before it answered"), "{body}");

    let Tunnelled { service, bridge, server, client, exposed } = tunnelled;
    drop(service);
    let mut socket = connect(&bridge).await;
    socket.send(&format!("GET / HTTP/1.1\r\nhost: {}.localhost\r\n\r\n", server.id())).await;
    let (head, body) = socket.answer().await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert!(body.contains("cannot be reached"), "{body}");
    drop(exposed);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_slow_service_is_a_gateway_timeout() {
    let tunnelled = Tunnelled::with(|options| options.with_response_timeout(Duration::from_millis(100))).await;
    let (mut client, mut service, _) = tunnelled.get("/").await;
    assert!(client.answer().await.0.starts_with("HTTP/1.1 504 "));
    // The request is cancelled.
    assert_eq!(service.rest().await, "");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_client_that_disconnects_cancels_its_request_at_the_service() {
    let tunnelled = Tunnelled::new().await;
    let (client, mut service, _) = tunnelled.get("/slow").await;
    drop(client);
    assert_eq!(service.rest().await, "");

    // During an answer, while the service is silent.
    let (mut client, mut service, _) = tunnelled.get("/events").await;
    service.send("HTTP/1.1 200 OK\r\n\r\n").await;
    client.head().await;
    drop(client);
    assert_eq!(service.rest().await, "");

    // During a request, whose body must not look complete.
    let mut client = tunnelled.connect().await;
    let host = tunnelled.host();
    client.send(&format!("POST / HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n")).await;
    let mut service = tunnelled.accept().await;
    service.text_until("part\r\n").await;
    drop(client);
    assert_eq!(service.ended().await, "");
    until("both sides have let go", || {
        tunnelled.exposed.connection_count() == 0 && tunnelled.bridge.connection_count() == 0
    })
    .await;
    tunnelled.close().await;
}

#[tokio::test]
async fn revoking_a_peer_ends_its_requests() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/").await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello").await;
    client.text_until("hello").await;
    let revoked = tunnelled.client.id();
    tunnelled.server.change_access(|lists| lists.deny(revoked));
    client.reset().await;
    assert_eq!(service.rest().await, "");
    let mut client = tunnelled.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
    assert!(client.answer().await.0.starts_with("HTTP/1.1 403 "));
    tunnelled.close().await;
}

#[tokio::test]
async fn a_peer_that_is_not_allowed_gets_status_403() {
    let (client, server) = pair().await;
    let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let allow = Allow::peers([server.id()]).expect("allow");
    let _exposed = server.expose_http(target(&service), ExposeHttpOptions::new(allow)).expect("expose");
    let bridge = bridge(&client, BridgeHttpOptions::default()).await;
    let mut socket = connect(&bridge).await;
    for (host, status) in [(String::new(), "403"), ("other.".to_owned(), "502")] {
        socket.send(&format!("GET / HTTP/1.1\r\nhost: {host}{}.localhost\r\n\r\n", server.id())).await;
        let (head, body) = socket.answer().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}{body}");
    }
    let asked = tokio::time::timeout(Duration::ZERO, service.accept()).await;
    assert!(asked.is_err(), "the service was asked");
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn draining_lets_requests_finish_and_ends_idle_connections() {
    let tunnelled = Tunnelled::new().await;
    let (mut idle, mut service, _) = tunnelled.get("/1").await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1").await;
    idle.answer().await;
    let mut busy = tunnelled.connect().await;
    busy.send(&format!("GET /2 HTTP/1.1\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
    assert!(service.head().await.starts_with("GET /2 "));

    tunnelled.client.drain();
    tunnelled.server.drain();
    assert_eq!(idle.rest().await, "");
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nthe ").await;
    busy.text_until("the ").await;
    service.send("end").await;
    assert_eq!(busy.rest().await, "end");
    let report = soon(tunnelled.server.close(GENEROUS)).await;
    assert!(report.is_clean(), "{report:?}");
    soon(tunnelled.exposed.closed()).await;
    soon(tunnelled.bridge.closed()).await;
    close(&[&tunnelled.client]).await;
}

#[tokio::test]
async fn closing_a_tunnel_waits_for_its_limit_and_then_resets() {
    for side in 0..2 {
        let tunnelled = Tunnelled::new().await;
        let (mut client, mut service, _) = tunnelled.get("/").await;
        service.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello").await;
        client.text_until("hello").await;
        let tunnel = if side == 0 { &tunnelled.exposed } else { &tunnelled.bridge };
        soon(tunnel.close(Duration::from_millis(50))).await;
        client.reset().await;
        service.ended().await;
        tunnelled.close().await;
    }
}
