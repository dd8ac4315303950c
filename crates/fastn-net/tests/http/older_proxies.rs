//! Proxies with older peers, in exact bytes: the protocol `HttpProxy`.

use fastn_net::{
    Endpoint,
    targets::Targets,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName},
    wire::alpn::Alpn,
};
use tokio::net::TcpListener;

use crate::{
    older::codes,
    support::{
        close, endpoint,
        raw::{Raw, RawStream},
        soon,
    },
    tunnelled::{Http, connect, field},
};

#[tokio::test]
async fn clients_reach_destinations_through_an_older_peer() {
    let (endpoint, raw) = (endpoint().await, Raw::bind(&[Alpn::Entity.as_bytes()]).await);
    let (local, options) = (SocketName::loopback(0), BridgeOptions::default);
    let socks = soon(endpoint.socks5(&local, raw.address(), options())).await.expect("socks");
    let proxy = soon(endpoint.proxy(&local, raw.address(), options())).await.expect("proxy");

    let mut client = connect(&socks).await;
    client.send("\x05\x01\x00\x05\x01\x00\x03\x0bexample.com\x01\u{2}").await;
    let connection = raw.accept().await;
    let line = "\"HttpProxy\"\n{\"Connect\":{\"addr\":\"example.com:258\"}}\n";
    let mut stream = RawStream::accept(&connection).await;
    stream.hears(line.as_bytes()).await;
    stream.say(b"ack\n").await;
    assert_eq!(client.bytes(12).await, b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0");
    exchange(client, stream).await;

    let mut client = connect(&proxy).await;
    // The first bytes may come with the request, and have line ends of their own.
    client.send("CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\nfirst\nbytes\n").await;
    let mut stream = RawStream::accept(&connection).await;
    stream.hears(b"\"HttpProxy\"\n{\"Connect\":{\"addr\":\"example.com:443\"}}\n").await;
    stream.say(b"ack\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    stream.hears(b"first\nbytes\n").await;
    exchange(client, stream).await;

    let mut client = connect(&proxy).await;
    client.send("GET http://example.com/p HTTP/1.1\r\nhost: example.com\r\n\r\n").await;
    let mut stream = RawStream::accept(&connection).await;
    stream.hears(b"\"HttpProxy\"\n{\"Connect\":{\"addr\":\"example.com:80\"}}\n").await;
    stream.say(b"ack\n").await;
    stream.hears(b"GET /p HTTP/1.1\r\nhost: example.com\r\n\r\n").await;
    stream.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(client.answer().await.1, "ok");

    // An older peer resets the stream of a destination that it cannot reach.
    let mut client = connect(&proxy).await;
    client.send("GET http://example.com:81/ HTTP/1.1\r\nhost: example.com:81\r\n\r\n").await;
    let mut stream = RawStream::accept(&connection).await;
    stream.hears(b"\"HttpProxy\"\n{\"Connect\":{\"addr\":\"example.com:81\"}}\n").await;
    stream.end(b"ack\n").await;
    assert!(client.answer().await.0.starts_with("HTTP/1.1 502 "));
    close(&[&endpoint]).await;
    raw.close().await;
}

fn exposed(endpoint: &Endpoint) -> fastn_net::tunnel::Tunnel {
    let targets = Targets::parse(["127.0.0.0/8"]).expect("rules");
    endpoint.expose_proxy(targets, ExposeOptions::new(Allow::Public)).expect("expose")
}

#[tokio::test]
async fn an_older_peer_sends_single_requests_through_an_exposed_proxy() {
    let (endpoint, raw) = (endpoint().await, Raw::bind(&[]).await);
    let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = service.local_addr().expect("address");
    let _exposed = exposed(&endpoint);
    let connection = raw.dial(&endpoint, Alpn::Entity).await;
    let ask = async |addr: &str, request: &str| {
        let bytes = format!("\"HttpProxy\"\n{{\"Http\":{{\"addr\":\"{addr}\"}}}}\n{request}");
        let mut stream = RawStream::start(&connection, bytes.as_bytes()).await;
        stream.hears(b"ack\n").await;
        stream
    };
    let get = "{\"uri\":\"/p?q\",\"method\":\"GET\",\"headers\":[]}\n";
    let mut stream = ask(&address.to_string(), get).await;
    let mut accepted = Http(soon(service.accept()).await.expect("accept").0);
    let head = accepted.head().await;
    assert!(head.starts_with("GET /p?q HTTP/1.1\r\n"), "{head}");
    assert_eq!(field(&head, "host"), Some(address.to_string().as_str()), "{head}");
    assert_eq!(field(&head, "fastn-peer"), None, "the destination is no service of this machine's owner");
    accepted.send("HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    let x = codes("y");
    stream.hears_last(format!("{{\"status\":200,\"headers\":[[\"x\",{x}]]}}\nok").as_bytes()).await;

    let mut stream = ask(&address.to_string(), get).await;
    let mut accepted = Http(soon(service.accept()).await.expect("accept").0);
    accepted.head().await;
    accepted.send("HTTP/1.1 200 OK\r\nx: a\nset-cookie: b\r\n\r\n").await;
    assert!(stream.rest().await.starts_with(b"{\"status\":502,"));
    let mut stream = ask("192.0.2.1:80", get).await;
    assert!(stream.rest().await.starts_with(b"{\"status\":403,"));
    drop(service);
    let mut stream = ask(&address.to_string(), get).await;
    assert!(stream.rest().await.starts_with(b"{\"status\":502,"));
    close(&[&endpoint]).await;
    raw.close().await;
}

/// A client and the older peer exchange bytes through the tunnel, until both ends close.
async fn exchange(mut client: Http, mut stream: RawStream) {
    client.send("question").await;
    stream.hears(b"question").await;
    stream.end(b"answer").await;
    assert_eq!(client.rest().await, "answer");
}
