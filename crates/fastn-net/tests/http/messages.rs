//! Requests and answers: the forwarded parts, and the dropped ones.

use fastn_net::{OpenOptions, Protocol};
use tokio::io::AsyncWriteExt;

use crate::{
    support::{USUAL, exchange, open},
    tunnelled::{Tunnelled, field, fields},
};

#[tokio::test]
async fn the_service_learns_the_peer_and_the_route_of_a_request() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    let host = tunnelled.host();
    client
        .send(&format!(
            "GET /items?page=2 HTTP/1.1\r\nHost: {host}\r\nFastn-Peer: mallory\r\nfastn_peer: mallory\r\n\
             X-Forwarded-For: 1.2.3.4\r\nConnection: x-private\r\nX-Private: 1\r\nAccept: a\r\nAccept: b\r\n\r\n"
        ))
        .await;
    let mut service = tunnelled.accept().await;
    let head = service.head().await;
    assert!(head.starts_with("GET /items?page=2 HTTP/1.1\r\n"), "{head}");
    assert_eq!(fields(&head, "host"), [host.as_str()]);
    assert_eq!(fields(&head, "fastn-peer"), [tunnelled.client.id().to_string().as_str()]);
    assert_eq!(fields(&head, "x-forwarded-host"), [host.as_str()]);
    assert_eq!(fields(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(fields(&head, "accept"), ["a", "b"]);
    for name in ["fastn_peer", "x-forwarded-for", "x-private", "connection"] {
        assert_eq!(field(&head, name), None, "{head}");
    }
    service
        .send(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nconnection: x-own\r\n\
             x-own: 1\r\nkeep-alive: timeout=5\r\n\r\nok",
        )
        .await;
    let (head, body) = client.answer().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, "ok");
    assert_eq!(fields(&head, "set-cookie"), ["a=1", "b=2"]);
    for name in ["x-own", "keep-alive", "connection"] {
        assert_eq!(field(&head, name), None, "{head}");
    }
    tunnelled.close().await;
}

#[tokio::test]
async fn connections_on_both_sides_serve_many_requests() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/1").await;
    for count in 1..5 {
        service.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{count}")).await;
        assert_eq!(client.answer().await.1, count.to_string());
        client.send(&format!("GET /{} HTTP/1.1\r\nhost: {}\r\n\r\n", count + 1, tunnelled.host())).await;
        assert!(service.head().await.starts_with(&format!("GET /{} ", count + 1)));
    }
    assert_eq!(tunnelled.exposed.connection_count(), 1);
    tunnelled.close().await;
}

/// Trailers that frame or route a message.
const FRAMING: &str = "content-length: 5\r\ntransfer-encoding: chunked\r\nhost: evil.example\r\n";

#[tokio::test]
async fn bodies_stream_both_ways_at_once_and_have_trailers() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    client
        .send(&format!(
            "POST /echo HTTP/1.1\r\nhost: {}\r\ntransfer-encoding: chunked\r\ntrailer: digest, fastn-peer\r\ntrailer: fastn_access, cookie, x-forwarded-for\r\nte: trailers\r\nconnection: TE\r\n\r\n",
            tunnelled.host()
        ))
        .await;
    let mut service = tunnelled.accept().await;
    let head = service.head().await;
    assert_eq!(field(&head, "transfer-encoding"), Some("chunked"), "{head}");
    assert_eq!(field(&head, "te"), Some("trailers"), "{head}");
    // The service may merge trailers into the headers.
    assert_eq!(fields(&head, "trailer"), ["digest"], "{head}");
    service.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: sum, Connection, fastn-peer\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(fields(&head, "trailer"), ["sum"], "{head}");
    assert_eq!(field(&head, "transfer-encoding"), Some("chunked"), "{head}");
    for piece in ["5\r\nhello\r\n", "1\r\n!\r\n"] {
        client.send(piece).await;
        assert_eq!(service.bytes(piece.len()).await, piece.as_bytes());
        service.send(piece).await;
        assert_eq!(client.bytes(piece.len()).await, piece.as_bytes());
    }
    client.send(&format!("0\r\n{FRAMING}digest: 42\r\nfastn-peer: mallory\r\nfastn_access: self\r\ncookie: a=1\r\nx-forwarded-for: 1.2.3.4\r\n\r\n")).await;
    assert_eq!(service.head().await, "0\r\ndigest: 42\r\n\r\n");
    service.send(&format!("0\r\n{FRAMING}sum: 43\r\nconnection: close\r\nfastn-peer: bob\r\n\r\n")).await;
    assert_eq!(client.head().await, "0\r\nsum: 43\r\n\r\n");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_body_with_an_expectation_waits_for_the_service() {
    let tunnelled = Tunnelled::new().await;
    let post =
        format!("POST / HTTP/1.1\r\nhost: {}\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n", tunnelled.host());
    let mut client = tunnelled.connect().await;
    client.send(&post).await;
    let mut service = tunnelled.accept().await;
    let head = service.head().await;
    assert_eq!(field(&head, "expect"), Some("100-continue"), "{head}");
    service.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body").await;
    assert_eq!(service.bytes(4).await, b"body");
    service.send("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 201 Created\r\n"));

    // A final answer instead of "100 Continue": the body is never asked for.
    let mut client = tunnelled.connect().await;
    client.send(&post).await;
    let head = service.head().await;
    assert!(head.starts_with("POST / "), "{head}");
    service.send("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 417 "));
    tunnelled.close().await;
}

#[tokio::test]
async fn a_body_does_not_wait_long_for_a_silent_service() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    let host = tunnelled.host();
    client
        .send(&format!("POST / HTTP/1.1\r\nhost: {host}\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nbody"))
        .await;
    let mut service = tunnelled.accept().await;
    service.head().await;
    assert_eq!(service.bytes(4).await, b"body");
    service.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.text_until("HTTP/1.1 204 No Content\r\n").await.starts_with("HTTP/1.1 "));
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_may_come_before_the_request_has_ended() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    client.send(&format!("PUT /big HTTP/1.1\r\nhost: {}\r\ncontent-length: 50000000\r\n\r\n", tunnelled.host())).await;
    let mut service = tunnelled.accept().await;
    service.head().await;
    let (mut reader, mut writer) = client.0.into_split();
    let upload = tokio::spawn(async move {
        let chunk = vec![7; 64 * 1024];
        // Ends when the bridge has had enough.
        while writer.write_all(&chunk).await.is_ok() {}
    });
    service.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig").await;
    // Unread bytes make it a reset.
    drop(service);
    let mut answer = Vec::new();
    let reading = async {
        while !answer.ends_with(b"\r\n\r\nbig") {
            let mut byte = [0; 1];
            let count = tokio::io::AsyncReadExt::read(&mut reader, &mut byte).await.expect("an answer");
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&byte);
        }
    };
    crate::support::soon(reading).await;
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
    upload.abort();
    tunnelled.close().await;
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/events").await;
    service.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await;
    client.head().await;
    for count in 0..3 {
        service.send(&format!("data: {count}\n\n")).await;
        client.text_until(&format!("data: {count}\n\n")).await;
    }
    drop(service);
    assert_eq!(client.text_until("0\r\n\r\n").await, "\r\n0\r\n\r\n");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_head_answer_keeps_its_length() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    client.send(&format!("HEAD / HTTP/1.1\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
    let mut service = tunnelled.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n").await;
    assert_eq!(field(&client.head().await, "content-length"), Some("1234"));
    tunnelled.close().await;
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_its_answer_up_to_the_end() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    client.send(&format!("GET / HTTP/1.0\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
    let mut service = tunnelled.accept().await;
    assert!(service.head().await.starts_with("GET / HTTP/1.1\r\n"));
    service.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(field(&head, "transfer-encoding"), None, "{head}");
    assert_eq!(client.rest().await, "hello");
    tunnelled.close().await;
}

/// `endpoint.fetch` of the TypeScript side does that.
#[tokio::test]
async fn a_stream_may_end_with_its_request() {
    let tunnelled = Tunnelled::new().await;
    let protocol = Protocol::service("http", Some(""));
    let options: OpenOptions = USUAL;
    let stream = open(&tunnelled.client, &tunnelled.server, &protocol, options).await.expect("stream");
    let serving = async {
        let mut service = tunnelled.accept().await;
        service.head().await;
        service.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
        service
    };
    let (answer, _service) = tokio::join!(exchange(stream, b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n"), serving);
    let answer = String::from_utf8(answer.expect("answer")).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    tunnelled.close().await;
}

/// A bridge removes what `Connection` names before it sends a request, but a peer may send bytes of its own.
#[tokio::test]
async fn a_peer_cannot_remove_the_fields_about_it() {
    let tunnelled = Tunnelled::new().await;
    let protocol = Protocol::service("http", Some(""));
    let stream = open(&tunnelled.client, &tunnelled.server, &protocol, USUAL).await.expect("stream");
    let serving = async {
        let mut service = tunnelled.accept().await;
        let head = service.head().await;
        service.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        (head, service)
    };
    let request =
        b"GET / HTTP/1.1\r\nhost: shop\r\nconnection: fastn-peer, x-forwarded-host, x-forwarded-proto\r\n\r\n";
    let (answer, (head, _service)) = tokio::join!(exchange(stream, request), serving);
    answer.expect("answer");
    assert_eq!(fields(&head, "fastn-peer"), [tunnelled.client.id().to_string().as_str()]);
    assert_eq!(fields(&head, "x-forwarded-host"), ["shop"]);
    assert_eq!(fields(&head, "x-forwarded-proto"), ["http"]);
    tunnelled.close().await;
}

/// hyper forwards them to a client, but its server can send none.
#[tokio::test]
async fn early_hints_are_dropped_and_the_answer_follows() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/1").await;
    for path in ["/2", "/3"] {
        service.send("HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n").await;
        service
            .send("HTTP/1.1 103 Early Hints\r\nlink: </b.js>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
        let (head, body) = client.answer().await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!((field(&head, "link"), body.as_str()), (None, "ok"));
        client.send(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
        assert!(service.head().await.starts_with(&format!("GET {path} ")));
    }
    tunnelled.close().await;
}
