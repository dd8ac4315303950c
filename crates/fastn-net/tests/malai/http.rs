//! `malai http` and `malai http-bridge`.

use fastn_net::{
    Endpoint, Peer, Protocol, Stream,
    tunnel::{Allow, BridgeHttpOptions, ExposeHttpOptions, HttpDestination, SocketName},
    wire::alpn::Alpn,
};
use iroh::endpoint::Connection;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    connect, endpoint, head,
    peer::{accept, line, malai},
    play, read,
    support::{
        GENEROUS, USUAL, close, header,
        raw::{Raw, RawStream},
        read_to_end, soon, until, write_all,
    },
    web_server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malai_http_bridge_reaches_an_exposed_web_server() {
    let (endpoint, raw) = (endpoint().await, Raw::bind(&[]).await);
    let options = ExposeHttpOptions::new(Allow::peers([raw.id()]).expect("allow"));
    let _exposed = endpoint.expose_http(web_server().await.parse().expect("target"), options).expect("expose");
    let connection = raw.dial(&endpoint, Alpn::Kulfi).await;
    for exchange in ["get", "post", "ping", "get"] {
        play(&mut RawStream::open(&connection).await, exchange, "dialler", "").await;
    }
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_reaches_malai_http_with_requests_at_the_same_time() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let options = BridgeHttpOptions::default().with_destination(HttpDestination::new(raw.address()));
    let bridge = soon(endpoint.bridge_http(&SocketName::loopback(0), options)).await.expect("bridge");
    let mut clients = [connect(&bridge).await, connect(&bridge).await];
    let mut streams = Vec::new();
    for (client, path) in clients.iter_mut().zip(["/one", "/two"]) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost:{}\r\naccept: */*\r\n\r\n", bridge.port());
        client.write_all(request.as_bytes()).await.expect("write");
        let connection = raw.accept().await;
        let mut stream = take(&connection).await;
        let head: Value =
            serde_json::from_str(&soon(line(&mut stream.recv)).await.expect("a head")).expect("one line of JSON");
        assert_eq!((&head["uri"], &head["method"]), (&json!(path), &json!("GET")));
        let fields = head["headers"].as_array().expect("fields");
        assert!(fields.contains(&json!(["accept", b"*/*"])), "{head}");
        // malai reads the request to its end.
        stream.hears_last(b"").await;
        streams.push((stream, connection));
    }
    for (client, (stream, _)) in clients.iter_mut().zip(&mut streams).rev() {
        stream.end(b"{\"status\":200,\"headers\":[[\"content-length\",[54]]]}\nanswer").await;
        let answer = soon(head(client)).await.expect("a head");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(&read::<6>(client).await, b"answer");
    }
    raw.close().await;
    close(&[&endpoint]).await;
}

async fn request(endpoint: &Endpoint, peer: &Peer) -> Stream {
    soon(endpoint.get_stream(peer, &header(&Protocol::Http), USUAL)).await.expect("stream")
}

/// `malai http` takes its next stream after the answer to the last one.
async fn take(connection: &Connection) -> RawStream {
    let (send, recv) = soon(accept(connection, "\"Http\"")).await.expect("a stream");
    RawStream { send, recv }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_has_a_connection_of_its_own() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let peer = endpoint.peer(&raw.address()).expect("peer");
    // The first one uses the existing connection.
    let (guard, first) = tokio::join!(endpoint.connect(&peer, GENEROUS), raw.accept());
    drop(guard.expect("connection"));
    let pinged_and_requested = async {
        soon(endpoint.ping(&peer, GENEROUS)).await.expect("pong");
        request(&endpoint, &peer).await
    };
    let (mut one, mut of_one) = tokio::join!(pinged_and_requested, take(&first));
    // While it is not answered, others are answered.
    let (mut two, (second, mut of_two)) = tokio::join!(request(&endpoint, &peer), async {
        let connection = raw.accept().await;
        let stream = take(&connection).await;
        (connection, stream)
    });
    for (ours, theirs, answer) in [(&mut two, &mut of_two, b"two"), (&mut one, &mut of_one, b"one")] {
        write_all(ours, b"head\n").await.expect("write");
        ours.finish();
        theirs.hears_last(b"head\n").await;
        theirs.end(answer).await;
        assert_eq!(read_to_end(ours).await.expect("answer"), answer);
    }
    drop((one, two));
    // Neither is kept.
    soon(first.closed()).await;
    soon(second.closed()).await;
    until("no connection is left", || peer.connections().is_empty()).await;
    close(&[&endpoint]).await;
    raw.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_the_same_time_share_no_connection() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let requests =
        async { tokio::join!(request(&endpoint, &peer), request(&endpoint, &peer), request(&endpoint, &peer)) };
    let taken = async {
        let mut taken = Vec::new();
        for _ in 0..3 {
            let connection = raw.accept().await;
            taken.push((take(&connection).await, connection));
        }
        taken
    };
    let (_requests, taken) = tokio::join!(requests, taken);
    assert_eq!(taken.len(), 3);
    close(&[&endpoint]).await;
    raw.close().await;
}
