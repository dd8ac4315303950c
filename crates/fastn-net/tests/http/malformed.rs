//! Requests that two programs could read differently: none reaches the service unchanged.

use fastn_net::Protocol;

use crate::{
    support::{USUAL, exchange, open},
    tunnelled::{Tunnelled, field, fields},
};

/// Requests, without their first line and Host, and the status that each gets. Some hide a second request.
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
    ("x: a\nfastn: b\r\n\r\n", "400"),
    ("x: a\n\r\n", "400"),
    ("\n", "400"),
    ("content-length: 4_0\r\n\r\nbody", "400"),
    ("content-length: 4\x0b\r\n\r\nbody", "400"),
    ("content-length:\r\n\r\nbody", "400"),
    ("transfer-encoding: chunked\x0b\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400"),
    ("transfer-encoding:\r\n\r\n0\r\n\r\n", "400"),
    ("x\u{e9}: a\r\n\r\n", "400"),
    ("x y: a\r\n\r\n", "400"),
    ("x\t: a\r\n\r\n", "400"),
    ("x@y: a\r\n\r\n", "400"),
    ("x: a\u{7f}b\r\n\r\n", "400"),
    ("x: a\u{1}b\r\n\r\n", "400"),
    ("x: a\u{1b}b\r\n\r\n", "400"),
    ("host: second\r\n\r\n", "400"),
    ("no colon\r\n\r\n", "400"),
];

#[tokio::test]
async fn an_ambiguous_request_gets_a_status_and_does_not_reach_the_service() {
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
async fn malformed_request_lines_are_rejected() {
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
    // Without a Host, it selects no service.
    assert!(client.head().await.starts_with("HTTP/1.1 421 "));
    let mut client = tunnelled.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nx: {}\r\n\r\n", "a".repeat(70_000))).await;
    assert!(client.head().await.starts_with("HTTP/1.1 431 "));
    tunnelled.close().await;
}

#[tokio::test]
async fn accepted_requests_reach_the_service_in_one_spelling() {
    let tunnelled = Tunnelled::new().await;
    let host = tunnelled.host();
    // A chunk extension, a repeated equal length, and a length beside chunks.
    for (request, body) in [
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

/// A service cannot turn one answer into two.
#[tokio::test]
async fn an_ambiguous_answer_is_a_bad_gateway() {
    let tunnelled = Tunnelled::new().await;
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: 4, 5\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: +4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: 4_0\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length : 4\r\n\r\nbody",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: +4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\nset-cookie: b\r\n\r\n",
        "HTTP/1.1 200 OK\nx: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\r\n\n",
        "HTTP/1.1 200 a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\u{1b}b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx y: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx\u{e9}: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nx: a\nb: c\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
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

/// After another answer on the same connection, whose body has line feeds of its own.
#[tokio::test]
async fn each_head_of_a_connection_is_checked_and_no_body() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/").await;
    for (first, body) in [
        ("content-length: 4", "\n\na\n"),
        ("content-length: 4, 4", "\n\na\n"),
        ("transfer-encoding: chunked", "2\r\n\n\n\r\n2;x\r\na\n\r\n0\r\nsum: 1\r\n\r\n"),
    ] {
        service.send(&format!("HTTP/1.1 200 OK\r\n{first}\r\n\r\n{body}")).await;
        let head = client.head().await;
        let end = if first.starts_with('c') {
            assert_eq!(fields(&head, "content-length"), ["4"], "{head}");
            "\n\na\n"
        } else {
            "0\r\n\r\n"
        };
        assert!(client.text_until(end).await.contains("a\n"));
        client.send(&format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
        service.head().await;
    }
    service.send("HTTP/1.1 200 OK\r\nx: a\nset-cookie: b\r\n\r\n").await;
    assert!(client.answer().await.0.starts_with("HTTP/1.1 502 "));

    // HEAD has its length and no body.
    for answer in
        ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: a\nb: c\r\n\r\n"]
    {
        client.send(&format!("HEAD / HTTP/1.1\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
        if !answer.contains("x:") {
            service = tunnelled.accept().await;
        }
        service.head().await;
        service.send(answer).await;
        let head = client.head().await;
        assert!(head.starts_with(if answer.contains("x:") { "HTTP/1.1 502 " } else { "HTTP/1.1 200 " }), "{head}");
    }
    tunnelled.close().await;
}

#[tokio::test]
async fn each_request_of_a_connection_is_checked_and_no_body() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    let host = tunnelled.host();
    let chunked = "transfer-encoding: chunked\r\n\r\n4\r\n\n\na\n\r\n0\r\n\r\n";
    let all = format!(
        "POST /1 HTTP/1.1\r\nhost: {host}\r\ncontent-length: 4\r\n\r\n\n\na\nPOST /2 HTTP/1.1\r\nhost: {host}\r\n{chunked}\
         GET /3 HTTP/1.1\r\nhost: {host}\r\nx: a\nb: c\r\n\r\n"
    );
    client.send(&all).await;
    let mut service = tunnelled.accept().await;
    for end in ["\n\na\n", "0\r\n\r\n"] {
        service.head().await;
        assert!(service.text_until(end).await.contains("\n\na\n"));
        service.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 204 "));
    }
    assert!(client.head().await.starts_with("HTTP/1.1 400 "));
    tunnelled.close().await;
}

/// A peer needs no bridge to send bytes of its own.
#[tokio::test]
async fn a_peers_own_bytes_are_checked_too() {
    let tunnelled = Tunnelled::new().await;
    let protocol = Protocol::service("http", Some(""));
    let stream = open(&tunnelled.client, &tunnelled.server, &protocol, USUAL).await.expect("stream");
    let answer = exchange(stream, b"GET / HTTP/1.1\r\nhost: shop\r\nx: a\nfastn: b\r\n\r\n").await.expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
    tunnelled.close().await;
}

#[tokio::test]
async fn a_line_feed_in_a_trailer_ends_the_message_as_a_failure() {
    let tunnelled = Tunnelled::new().await;
    let head = "transfer-encoding: chunked\r\ntrailer: x, b\r\n\r\n1\r\na\r\n";
    let trailers = "0\r\nx: a\nb: c\r\n\r\n";
    let mut client = tunnelled.connect().await;
    client.send(&format!("POST / HTTP/1.1\r\nhost: {}\r\n{head}", tunnelled.host())).await;
    let mut service = tunnelled.accept().await;
    service.text_until("1\r\na\r\n").await;
    client.send(trailers).await;
    assert!(!service.ended().await.contains("0\r\n"), "the request has an end");

    let mut client = tunnelled.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {}\r\nte: trailers\r\n\r\n", tunnelled.host())).await;
    let mut service = tunnelled.accept().await;
    service.head().await;
    service.send(&format!("HTTP/1.1 200 OK\r\n{head}")).await;
    client.text_until("1\r\na\r\n").await;
    service.send(trailers).await;
    assert!(!client.reset().await.contains("0\r\n"), "the answer has an end");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_chunked_answer_with_a_length_arrives_complete() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/").await;
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n";
    service.send(&format!("{head}8\r\nwhole...\r\n0\r\n\r\n")).await;
    assert_eq!(field(&client.head().await, "content-length"), None);
    assert_eq!(client.text_until("0\r\n\r\n").await, "8\r\nwhole...\r\n0\r\n\r\n");
    tunnelled.close().await;
}
