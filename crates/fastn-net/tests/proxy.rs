//! Proxies over SOCKS 5: the destinations that clients reach, and the replies for all others.

mod support;

use std::time::Duration;

use fastn_net::{
    Code, Endpoint, Error, Protocol, Result, Stream,
    targets::Targets,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
    wire::header,
};
use support::{USUAL, close, open, pair, pattern, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const GREETING: [u8; 3] = [5, 1, 0];

struct Proxied {
    client: Endpoint,
    server: Endpoint,
    service: TcpListener,
    _exposed: Tunnel,
    socks: Tunnel,
}

impl Proxied {
    async fn new(rules: &[&str]) -> Self {
        let (client, server) = pair().await;
        let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let targets = Targets::parse(rules.iter().copied()).expect("rules");
        let allow = Allow::peers([client.id()]).expect("allow");
        let exposed = server.expose_proxy(targets, ExposeOptions::new(allow)).expect("expose");
        let options = BridgeOptions::default().with_open_timeout(Duration::from_secs(1));
        let socks = soon(client.socks5(&SocketName::loopback(0), server.address(), options)).await.expect("listen");
        Self { client, server, service, _exposed: exposed, socks }
    }

    fn port(&self) -> u16 {
        self.service.local_addr().expect("address").port()
    }

    /// Connects, and sends everything at once, as a client may.
    async fn send(&self, request: &[u8]) -> TcpStream {
        let mut socket = soon(TcpStream::connect(("127.0.0.1", self.socks.port()))).await.expect("connect");
        socket.write_all(&[&GREETING, request].concat()).await.expect("write");
        assert_eq!(read::<2>(&mut socket).await, [5, 0]);
        socket
    }

    /// The code of the reply to a refused request. EOF follows it.
    async fn refusal(&self, request: &[u8]) -> u8 {
        let mut socket = self.send(request).await;
        let mut reply = Vec::new();
        soon(socket.read_to_end(&mut reply)).await.expect("a clean end");
        assert_eq!([&reply[..1], &reply[2..]].concat(), [5, 0, 1, 0, 0, 0, 0, 0, 0]);
        reply[1]
    }

    async fn close(self) {
        close(&[&self.client, &self.server]).await;
    }
}

async fn read<const COUNT: usize>(socket: &mut TcpStream) -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    soon(socket.read_exact(&mut bytes)).await.expect("bytes");
    bytes
}

fn by_ip(octets: [u8; 4], port: u16) -> Vec<u8> {
    [&[5, 1, 0, 1], &octets[..], &port.to_be_bytes()].concat()
}

fn by_name(name: &str, port: u16) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("a short name");
    [&[5, 1, 0, 3, length], name.as_bytes(), &port.to_be_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_names_are_reached_with_half_closes() {
    let proxied = Proxied::new(&["127.0.0.0/8"]).await;
    for request in [by_ip([127, 0, 0, 1], proxied.port()), by_name("localhost", proxied.port())] {
        let mut client = proxied.send(&request).await;
        let (mut service, _) = soon(proxied.service.accept()).await.expect("accept");
        assert_eq!(read::<10>(&mut client).await, [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let (question, answer) = (pattern(300_000), pattern(200_000));
        let serving = async {
            let mut bytes = Vec::new();
            soon(service.read_to_end(&mut bytes)).await.expect("a clean end");
            assert!(bytes == question);
            service.write_all(&answer).await.expect("write");
            service.shutdown().await.expect("shutdown");
        };
        let asking = async {
            client.write_all(&question).await.expect("write");
            client.shutdown().await.expect("shutdown");
            let mut bytes = Vec::new();
            soon(client.read_to_end(&mut bytes)).await.expect("a clean end");
            assert!(bytes == answer);
        };
        tokio::join!(serving, asking);
    }
    proxied.close().await;
}

#[tokio::test]
async fn bytes_that_a_client_sends_too_early_arrive() {
    let proxied = Proxied::new(&["127.0.0.1"]).await;
    let request = [by_ip([127, 0, 0, 1], proxied.port()), b"early".to_vec()].concat();
    let mut client = proxied.send(&request).await;
    let (mut service, _) = soon(proxied.service.accept()).await.expect("accept");
    assert_eq!(&read::<5>(&mut service).await, b"early");
    assert_eq!(read::<10>(&mut client).await[1], 0);
    proxied.close().await;
}

#[tokio::test]
async fn destinations_that_no_rule_allows_are_refused_without_a_connection() {
    let proxied = Proxied::new(&["*", "10.0.0.0/8"]).await;
    let port = proxied.port();
    let mapped = [&[5, 1, 0, 4], &[0; 10][..], &[0xff, 0xff, 127, 0, 0, 1], &port.to_be_bytes()].concat();
    for request in [
        by_ip([127, 0, 0, 1], port),
        by_ip([0, 0, 0, 0], port),
        by_ip([169, 254, 169, 254], 80),
        mapped,
        by_name("localhost", port),
        by_name("localhost.", port),
        by_name("127.0.0.1", port),
        by_name("2130706433", port),
        by_name("0x7f.1", port),
        by_name("0177.0.0.1", port),
        by_name("[::1]", port),
        by_name("a\0b", port),
        by_name("localhost\r\n", port),
    ] {
        assert_eq!(proxied.refusal(&request).await, 2, "{request:?}");
    }
    let accepted = tokio::time::timeout(Duration::from_millis(100), proxied.service.accept()).await;
    assert!(accepted.is_err(), "something connected");
    proxied.close().await;
}

#[tokio::test]
async fn failures_have_the_replies_of_the_standard() {
    let proxied = Proxied::new(&["127.0.0.0/8", "invalid"]).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("bind").local_addr().expect("address").port();
    assert_eq!(proxied.refusal(&by_ip([127, 0, 0, 1], closed)).await, 5);
    // No resolver knows names below .invalid.
    assert_eq!(proxied.refusal(&by_name("name.invalid", 80)).await, 4);
    for (request, reply) in
        [(&[5, 2, 0, 1, 127, 0, 0, 1, 0, 80][..], 7), (&[5, 3, 0, 1, 0, 0, 0, 0, 0, 0], 7), (&[5, 1, 0, 2], 8)]
    {
        assert_eq!(proxied.refusal(request).await, reply);
    }
    close(&[&proxied.server]).await;
    assert_eq!(proxied.refusal(&by_ip([127, 0, 0, 1], closed)).await, 3);
    proxied.close().await;
}

#[tokio::test]
async fn a_client_that_does_not_speak_socks_is_closed() {
    let proxied = Proxied::new(&["127.0.0.0/8"]).await;
    for (bytes, answer) in [
        (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[][..]),
        (&[4, 1, 0, 80, 127, 0, 0, 1, 0], &[]),
        (&[5, 0, 0], &[]),
        (&[5, 1, 2], &[5, 0xff]),
        (&[5, 1, 0, 9, 9, 9, 9], &[5, 0]),
        (&[5, 1, 0, 5, 1, 0, 3, 0, 0, 0, 0], &[5, 0]),
    ] {
        let mut socket = soon(TcpStream::connect(("127.0.0.1", proxied.socks.port()))).await.expect("connect");
        socket.write_all(bytes).await.expect("write");
        let mut received = Vec::new();
        // A reset if the client's bytes were not read.
        let _ = soon(socket.read_to_end(&mut received)).await;
        assert!(answer.starts_with(&received), "{bytes:?}: {received:?}");
    }
    proxied.close().await;
}

#[tokio::test]
async fn the_exposing_side_validates_requests_itself() {
    let proxied = Proxied::new(&["*"]).await;
    // Directly on a stream, without the checks of the local listener.
    for (bytes, answer) in [
        (&[5, 1, 2][..], Some(&[5, 0xff][..])),
        (&[5, 1, 0, 5, 2, 0, 1, 1, 2, 3, 4, 0, 80], Some(&[5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0])),
        (&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80], Some(&[5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0])),
        (&[4, 1, 0], None),
        (&[5, 1, 0, 5, 1, 0, 3, 0, 0, 0, 0], None),
    ] {
        let mut stream = open(&proxied.client, &proxied.server, &Protocol::Socks5, USUAL).await.expect("open");
        stream.write_all(bytes).await.expect("write");
        let mut received = Vec::new();
        let ended = soon(stream.read_to_end(&mut received)).await;
        match answer {
            Some(answer) => assert_eq!((received.as_slice(), ended.is_ok()), (answer, true), "{bytes:?}"),
            None => assert!(ended.is_err(), "{bytes:?}"),
        }
    }
    proxied.close().await;
}

#[tokio::test]
async fn a_proxy_needs_rules_and_admits_only_its_peers() {
    let (client, server) = pair().await;
    let public = || ExposeOptions::new(Allow::Public);
    let error = server.expose_proxy(Targets::default(), public()).expect_err("no rules");
    assert_eq!(error.code(), Code::InvalidArgument);
    let any = || Targets::parse(["*"]).expect("rule");
    let other = Allow::peers([server.id()]).expect("allow");
    let _exposed = server.expose_proxy(any(), ExposeOptions::new(other)).expect("expose");
    let error = server.expose_proxy(any(), public()).expect_err("in use");
    assert_eq!(error.code(), Code::ProtocolInUse);
    let _named = server.expose_proxy(any(), public().with_service("open")).expect("expose");
    for (options, reply) in [(BridgeOptions::default(), 2), (BridgeOptions::default().with_service("open"), 2)] {
        let socks = soon(client.socks5(&SocketName::loopback(0), server.address(), options)).await.expect("listen");
        let mut socket = soon(TcpStream::connect(("127.0.0.1", socks.port()))).await.expect("connect");
        socket.write_all(&[&GREETING[..], &by_ip([127, 0, 0, 1], 80)].concat()).await.expect("write");
        assert_eq!(read::<12>(&mut socket).await[3], reply);
    }
    close(&[&client, &server]).await;
}

/// A stream of `HttpProxy` with its extra line, and `payload` after it.
async fn older(proxied: &Proxied, line: &str, payload: &[u8]) -> Result<Stream> {
    let header = header::encode(&Protocol::HttpProxy, Some(line.as_bytes())).expect("header");
    let peer = proxied.client.peer(&proxied.server.address()).expect("peer");
    let opened = proxied.client.get_stream(&peer, &header, USUAL.with_extra(true));
    let mut stream = soon(opened).await?;
    stream.write_all(payload).await?;
    Ok(stream)
}

#[tokio::test]
async fn clients_of_older_peers_connect_too() {
    let proxied = Proxied::new(&["127.0.0.0/8"]).await;
    let line = format!(r#"{{"Connect":{{"addr":"localhost:{}"}}}}"#, proxied.port());
    let mut stream = older(&proxied, &line, b"question").await.expect("stream");
    let (mut service, _) = soon(proxied.service.accept()).await.expect("accept");
    assert_eq!(&read::<8>(&mut service).await, b"question");
    service.write_all(b"answer").await.expect("write");
    service.shutdown().await.expect("shutdown");
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.expect("a clean end");
    assert_eq!(answer, b"answer");
    stream.finish();
    assert_eq!(soon(service.read(&mut [0])).await.expect("EOF"), 0);
    proxied.close().await;
}

#[tokio::test]
async fn other_lines_of_older_peers_are_reset() {
    let proxied = Proxied::new(&["*", "10.0.0.0/8"]).await;
    let port = proxied.port();
    for line in [
        format!(r#"{{"Connect":{{"addr":"127.0.0.1:{port}"}}}}"#),
        format!(r#"{{"Connect":{{"addr":"0x7f.1:{port}"}}}}"#),
        format!(r#"{{"Connect":{{"addr":"[::ffff:127.0.0.1]:{port}"}}}}"#),
        "{}".to_owned(),
        "x".repeat(5_000),
    ] {
        // The reset may overtake the ack.
        let error = match older(&proxied, &line, b"payload").await {
            Ok(mut stream) => {
                let error = soon(stream.read_to_end(&mut Vec::new())).await.expect_err("a reset");
                error.downcast::<Error>().expect("ours")
            }
            Err(error) => error,
        };
        assert!(matches!(error.code(), Code::StreamReset | Code::StreamStopped), "{line}: {error}");
    }
    let accepted = tokio::time::timeout(Duration::from_millis(100), proxied.service.accept()).await;
    assert!(accepted.is_err(), "something connected");
    proxied.close().await;
}
