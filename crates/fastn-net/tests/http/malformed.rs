//! Requests that two programs could read differently: none reaches the service as it is.

use crate::tunnelled::{Tunnelled, field};

/// Requests behind their line and Host, and the status that each gets. A second request hides in some of them.
const REJECTED: &[(&str, &str)] = &[
    ("content-length: 4\r\ncontent-length: 5\r\n\r\nbodyGET /hidden HTTP/1.1\r\n\r\n", "400"),
    ("content-length: 4, 5\r\n\r\nbody", "400"),
    ("content-length: +4\r\n\r\nbody", "400"),
    ("content-length: -4\r\n\r\nbody", "400"),
    ("content-length: 0x4\r\n\r\nbody", "400"),
    ("content-length: 99999999999999999999\r\n\r\n", "400"),
    ("transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding : chunked\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding\t: chunked\r\n\r\n0\r\n\r\n", "400"),
    ("x: a\rb\r\n\r\n", "400"),
    ("x: a\0b\r\n\r\n", "400"),
    ("x\x01: a\r\n\r\n", "400"),
    (": a\r\n\r\n", "400"),
    ("x: a\r\n folded\r\n\r\n", "400"),
    ("host: second\r\n\r\n", "400"),
    ("no colon\r\n\r\n", "400"),
];

#[tokio::test]
async fn a_request_with_two_readings_gets_a_status_and_reaches_no_service() {
    let tunnelled = Tunnelled::new().await;
    for (rest, status) in REJECTED {
        let mut client = tunnelled.connect().await;
        client.send(&format!("POST / HTTP/1.1\r\nhost: {}\r\n{rest}", tunnelled.host())).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{rest:?}: {head}");
    }
    let asked = tokio::time::timeout(std::time::Duration::ZERO, tunnelled.service.accept()).await;
    assert!(asked.is_err(), "a request reached the service");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_request_line_is_one_of_http() {
    let tunnelled = Tunnelled::new().await;
    let host = tunnelled.host();
    for line in [
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 x",
        "GET /\u{1} HTTP/1.1",
        "GET / HTTP/9.1",
        "G(T / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "/ HTTP/1.1",
        "GET /",
    ] {
        let mut client = tunnelled.connect().await;
        client.send(&format!("{line}\r\nhost: {host}\r\n\r\n")).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 4") || head.starts_with("HTTP/1.1 505 "), "{line:?}: {head}");
    }
    let mut client = tunnelled.connect().await;
    client.send("GET / HTTP/1.1\r\n\r\n").await;
    // Without a Host, it is for no service.
    assert!(client.head().await.starts_with("HTTP/1.1 421 "));
    let mut client = tunnelled.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nx: {}\r\n\r\n", "a".repeat(70_000))).await;
    assert!(client.head().await.starts_with("HTTP/1.1 431 "));
    tunnelled.close().await;
}

#[tokio::test]
async fn what_is_accepted_reaches_the_service_in_one_spelling() {
    let tunnelled = Tunnelled::new().await;
    let host = tunnelled.host();
    // Bare line feeds, a chunk extension, a repeated equal length, and a length beside chunks.
    for (request, body) in [
        (format!("POST / HTTP/1.1\nhost: {host}\ncontent-length: 4\n\nbody"), "content-length: 4"),
        (
            format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: 4\r\ncontent-length: 4\r\n\r\nbody"),
            "content-length: 4",
        ),
        (
            format!(
                "POST / HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: Chunked\r\n\r\n4;x=\"y\"\r\nbody\r\n0\r\n\r\n"
            ),
            "transfer-encoding: chunked",
        ),
        (
            format!(
                "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
            ),
            "transfer-encoding: chunked",
        ),
    ] {
        let mut client = tunnelled.connect().await;
        client.send(&request).await;
        let mut service = tunnelled.accept().await;
        let head = service.head().await;
        assert_eq!(head.matches("content-length").count() + head.matches("transfer-encoding").count(), 1, "{head}");
        assert!(head.contains(body), "{head}");
        assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{head:?}");
        let rest = if body.starts_with('t') { "4\r\nbody\r\n0\r\n\r\n" } else { "body" };
        assert_eq!(service.bytes(rest.len()).await, rest.as_bytes());
        service.send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 204 "));
    }
    tunnelled.close().await;
}

/// A service cannot make two answers of one.
#[tokio::test]
async fn an_answer_with_two_readings_is_a_bad_gateway() {
    let tunnelled = Tunnelled::new().await;
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "not http\r\n\r\n",
    ] {
        let (mut client, mut service, _) = tunnelled.get("/").await;
        service.send(answer).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{answer:?}: {head}");
    }
    tunnelled.close().await;
}

#[tokio::test]
async fn a_chunked_answer_with_a_length_arrives_whole() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/").await;
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n";
    service.send(&format!("{head}8\r\nwhole...\r\n0\r\n\r\n")).await;
    assert_eq!(field(&client.head().await, "content-length"), None);
    assert_eq!(client.text_until("0\r\n\r\n").await, "8\r\nwhole...\r\n0\r\n\r\n");
    tunnelled.close().await;
}
