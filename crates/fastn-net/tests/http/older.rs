//! HTTP with older peers, in exact bytes: the protocol `Http`, with a line of JSON for each head.

use fastn_net::{
    Endpoint,
    tunnel::{Allow, BridgeHttpOptions, ExposeHttpOptions, HttpDestination, Tunnel},
    wire::alpn::Alpn,
};
use iroh::endpoint::Connection;
use tokio::net::TcpListener;

use crate::{
    support::{
        close, endpoint,
        raw::{Raw, RawStream, code},
        soon, until,
    },
    tunnelled::{Http, bridge, connect, field, fields, target},
};

/// A text as the numbers of its bytes.
pub(crate) fn codes(text: &str) -> String {
    let numbers: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

/// A service that the test itself is, and an older peer that may use it.
struct Served {
    endpoint: Endpoint,
    service: TcpListener,
    exposed: Tunnel,
    raw: Raw,
    connection: Connection,
}

impl Served {
    async fn new() -> Self {
        let (endpoint, raw) = (endpoint().await, Raw::bind(&[]).await);
        let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let allow = Allow::peers([raw.id()]).expect("allow");
        let exposed = endpoint.expose_http(target(&service), ExposeHttpOptions::new(allow)).expect("expose");
        let connection = raw.dial(&endpoint, Alpn::Entity).await;
        Self { endpoint, service, exposed, raw, connection }
    }

    /// Sends a request, and leaves the stream open, as the original does until it has the head of the answer.
    async fn ask(&self, request: &str) -> RawStream {
        let mut stream = RawStream::start(&self.connection, format!("\"Http\"\n{request}").as_bytes()).await;
        stream.hears(b"ack\n").await;
        stream
    }

    async fn accept(&self) -> Http {
        Http(soon(self.service.accept()).await.expect("accept").0)
    }

    async fn close(self) {
        close(&[&self.endpoint]).await;
        self.raw.close().await;
    }
}

#[tokio::test]
async fn an_older_peer_reaches_an_exposed_service() {
    let served = Served::new().await;
    let headers = format!(
        "[[\"host\",{}],[\"x\",{}],[\"x\",{}],[\"fastn-peer\",{}],[\"connection\",{}],[\"upgrade\",{}],\
         [\"transfer-encoding\",{}],[\"expect\",{}],[\"content-length\",{}]]",
        codes("shop"),
        codes("1"),
        codes("2"),
        codes("mallory"),
        codes("upgrade"),
        codes("websocket"),
        codes("chunked"),
        codes("100-continue"),
        codes("4")
    );
    let mut stream = served.ask(&format!("{{\"uri\":\"/p?q\",\"method\":\"PUT\",\"headers\":{headers}}}\nbody")).await;
    let mut service = served.accept().await;
    let head = service.head().await;
    assert!(head.starts_with("PUT /p?q HTTP/1.1\r\n"), "{head}");
    for (name, values) in [
        ("host", &["shop"][..]),
        ("x", &["1", "2"]),
        ("fastn-peer", &[served.raw.id().to_string().as_str()]),
        ("x-forwarded-host", &["shop"]),
        ("content-length", &["4"]),
        ("connection", &[]),
        ("upgrade", &[]),
        ("transfer-encoding", &[]),
        ("expect", &[]),
    ] {
        assert_eq!(fields(&head, name), values, "{head}");
    }
    assert_eq!(service.bytes(4).await, b"body");
    let answer = "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n\
        HTTP/1.1 200 OK\r\nset-cookie: a\r\nset-cookie: b\r\nkeep-alive: timeout=5\r\ncontent-length: 2\r\n\r\nok";
    service.send(answer).await;
    let headers = format!(
        "[[\"set-cookie\",{}],[\"set-cookie\",{}],[\"content-length\",{}]]",
        codes("a"),
        codes("b"),
        codes("2")
    );
    stream.hears_last(format!("{{\"status\":200,\"headers\":{headers}}}\nok").as_bytes()).await;
    served.close().await;
}

#[tokio::test]
async fn bodies_of_unknown_length_end_with_the_fin_and_lose_their_trailers() {
    let served = Served::new().await;
    let mut stream = served.ask("{\"uri\":\"/\",\"method\":\"POST\",\"headers\":[]}\nbo").await;
    let mut service = served.accept().await;
    let head = service.head().await;
    assert_eq!(field(&head, "transfer-encoding"), Some("chunked"), "{head}");
    assert_eq!(service.text_until("bo\r\n").await, "2\r\nbo\r\n");
    stream.end(b"dy").await;
    assert_eq!(service.text_until("0\r\n\r\n").await, "2\r\ndy\r\n0\r\n\r\n");
    service.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: sum\r\n\r\n3\r\nyes\r\n").await;
    stream.hears(b"{\"status\":200,\"headers\":[]}\nyes").await;
    service.send("0\r\nsum: 1\r\n\r\n").await;
    stream.hears_last(b"").await;
    served.close().await;
}

#[tokio::test]
async fn answers_without_a_body_and_pages_of_the_tunnel_have_heads_of_json() {
    let served = Served::new().await;
    let mut stream = served.ask("{\"uri\":\"/\",\"method\":\"HEAD\",\"headers\":[]}\n").await;
    let mut service = served.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n").await;
    let length = codes("1234");
    stream.hears_last(format!("{{\"status\":200,\"headers\":[[\"content-length\",{length}]]}}\n").as_bytes()).await;
    for (head, status) in [
        ("{", 400),
        ("[]", 400),
        ("{\"uri\":\"/\",\"method\":\"GET\"}", 400),
        ("{\"uri\":\"/\",\"method\":\"G T\",\"headers\":[]}", 400),
        ("{\"uri\":\"/a b\",\"method\":\"GET\",\"headers\":[]}", 400),
        ("{\"uri\":\"/\\n\",\"method\":\"GET\",\"headers\":[]}", 400),
        // A line feed, a CR, a NUL, and an invalid name.
        ("{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"x\",[97,10,98]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"x\",[97,13,98]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"x\",[97,13,10]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"x\",[0]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"x\\ny\",[97]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"x:\",[97]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"PUT\",\"headers\":[[\"content-length\",[43,52]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"PUT\",\"headers\":[[\"content-length\",[52]],[\"content-length\",[53]]]}", 400),
        ("{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"host\",[97]],[\"host\",[98]]]}", 400),
        ("{\"uri\":\"a:1\",\"method\":\"CONNECT\",\"headers\":[]}", 405),
    ] {
        let mut stream = served.ask(&format!("{head}\n")).await;
        let answer = String::from_utf8(stream.rest().await).expect("UTF-8");
        assert!(answer.starts_with(&format!("{{\"status\":{status},\"headers\":[[\"")), "{head}: {answer}");
    }
    let many = format!("{{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[[\"a\",{}]]}}\n", codes(&"a".repeat(140_000)));
    let answer = served.ask(&many).await.rest().await;
    assert!(answer.starts_with(b"{\"status\":431,"), "{}", String::from_utf8_lossy(&answer));
    let asked = tokio::time::timeout(std::time::Duration::ZERO, served.service.accept()).await;
    assert!(asked.is_err(), "a request reached the service");
    served.close().await;
}

#[tokio::test]
async fn truncated_messages_are_resets_both_ways() {
    let served = Served::new().await;
    let get = "{\"uri\":\"/\",\"method\":\"GET\",\"headers\":[]}\n";
    let mut stream = served.ask(get).await;
    let mut service = served.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab").await;
    drop(service);
    stream.hears_reset().await;
    // A peer that leaves cancels its request.
    let mut stream = served.ask(get).await;
    let mut service = served.accept().await;
    service.head().await;
    stream.recv.stop(code(0)).expect("stop");
    stream.send.reset(code(0)).expect("reset");
    service.ended().await;
    // A request that ends too early has no end at the service.
    let length = codes("9");
    let put = format!("{{\"uri\":\"/\",\"method\":\"PUT\",\"headers\":[[\"content-length\",{length}]]}}\nab");
    let mut stream = served.ask(&put).await;
    let mut service = served.accept().await;
    service.head().await;
    stream.end(b"").await;
    assert_eq!(service.ended().await, "ab");
    until("the requests end", || served.exposed.connection_count() == 0).await;
    served.close().await;
}

/// An older peer that serves, and a bridge to it.
struct Bridged {
    endpoint: Endpoint,
    bridge: Tunnel,
    raw: Raw,
}

impl Bridged {
    async fn new() -> Self {
        let (endpoint, raw) = (endpoint().await, Raw::bind(&[Alpn::Entity.as_bytes()]).await);
        let peer = HttpDestination::new(raw.address());
        let options =
            BridgeHttpOptions::default().with_host("admin", peer.clone().with_service("admin")).with_destination(peer);
        let bridge = bridge(&endpoint, options).await;
        Self { endpoint, bridge, raw }
    }

    /// Sends a request, and returns the peer's view of it after the header, acknowledged.
    async fn ask(&self, connection: &Connection, request: &str) -> (Http, RawStream) {
        let mut client = connect(&self.bridge).await;
        client.send(request).await;
        let mut stream = RawStream::accept(connection).await;
        stream.hears(b"\"Http\"\n").await;
        stream.say(b"ack\n").await;
        (client, stream)
    }

    async fn connection(&self) -> Connection {
        let mut client = connect(&self.bridge).await;
        // A named service needs no stream: it would end the peer's accept loop.
        client.send("GET / HTTP/1.1\r\nhost: admin\r\n\r\n").await;
        let connection = self.raw.accept().await;
        let (head, text) = client.answer().await;
        assert!(head.starts_with("HTTP/1.1 502 ") && text.contains("named services"), "{head}{text}");
        connection
    }

    async fn close(self) {
        close(&[&self.endpoint]).await;
        self.raw.close().await;
    }
}

#[tokio::test]
async fn a_bridge_reaches_an_older_peer() {
    let bridged = Bridged::new().await;
    let connection = bridged.connection().await;
    let post = "POST /p?q HTTP/1.1\r\nHost: localhost\r\nX: 1\r\nx: 2\r\nte: trailers\r\nconnection: upgrade, te\r\n\
        upgrade: websocket\r\ncontent-length: 4\r\n\r\nbody";
    let (mut client, mut stream) = bridged.ask(&connection, post).await;
    let headers = format!(
        "[[\"host\",{}],[\"x\",{}],[\"x\",{}],[\"content-length\",{}]]",
        codes("localhost"),
        codes("1"),
        codes("2"),
        codes("4")
    );
    let head = format!("{{\"uri\":\"/p?q\",\"method\":\"POST\",\"headers\":{headers}}}\nbody");
    stream.hears_last(head.as_bytes()).await;
    // A Rust exposer forwards the fields of its backend's connection.
    let headers = format!(
        "[[\"connection\",{}],[\"keep-alive\",{}],[\"transfer-encoding\",{}],[\"x\",{}]]",
        codes("close"),
        codes("timeout=5"),
        codes("chunked"),
        codes("y")
    );
    stream.end(format!("{{\"status\":201,\"headers\":{headers}}}\nhello").as_bytes()).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    assert_eq!(client.text_until("0\r\n\r\n").await, "5\r\nhello\r\n0\r\n\r\n");
    for (name, value) in [("x", Some("y")), ("transfer-encoding", Some("chunked")), ("keep-alive", None)] {
        assert_eq!(field(&head, name), value, "{head}");
    }
    bridged.close().await;
}

#[tokio::test]
async fn an_older_peers_answer_may_come_before_the_request_has_ended() {
    let bridged = Bridged::new().await;
    let connection = bridged.connection().await;
    let (mut client, mut stream) = bridged
        .ask(&connection, "PUT / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        .await;
    let host = codes("localhost");
    stream.hears(format!("{{\"uri\":\"/\",\"method\":\"PUT\",\"headers\":[[\"host\",{host}]]}}\na").as_bytes()).await;
    stream.say(b"{\"status\":200,\"headers\":[]}\nyes").await;
    client.head().await;
    assert_eq!(client.text_until("yes\r\n").await, "3\r\nyes\r\n");
    client.send("1\r\nb\r\n0\r\nsum: 1\r\n\r\n").await;
    stream.hears_last(b"b").await;
    stream.end(b"!").await;
    assert_eq!(client.text_until("0\r\n\r\n").await, "1\r\n!\r\n0\r\n\r\n");
    bridged.close().await;
}

#[tokio::test]
async fn answers_of_older_peers_are_validated() {
    let bridged = Bridged::new().await;
    let connection = bridged.connection().await;
    let get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for answer in [
        "",
        "{\"status\":200",
        "{\"status\":200}\n",
        "{\"status\":99,\"headers\":[]}\n",
        "{\"status\":101,\"headers\":[]}\n",
        "{\"status\":600,\"headers\":[]}\n",
        "{\"status\":200,\"headers\":[[\"x\",[97,10,98]]]}\n",
        "{\"status\":200,\"headers\":[[\"x\\r\\ny\",[97]]]}\n",
        "{\"status\":200,\"headers\":[[\"content-length\",[43,52]]]}\n",
    ] {
        let (mut client, mut stream) = bridged.ask(&connection, get).await;
        stream.end(answer.as_bytes()).await;
        let (head, _) = client.answer().await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{answer}: {head}");
    }
    // A FIN before the end that Content-Length names.
    let (mut client, mut stream) = bridged.ask(&connection, get).await;
    let length = codes("5");
    stream.end(format!("{{\"status\":200,\"headers\":[[\"content-length\",{length}]]}}\nab").as_bytes()).await;
    client.reset().await;
    // A reset.
    let (mut client, mut stream) = bridged.ask(&connection, get).await;
    stream.say(b"{\"status\":200,\"headers\":[]}\nab").await;
    client.text_until("ab\r\n").await;
    stream.send.reset(code(0)).expect("reset");
    assert_eq!(client.reset().await, "");
    bridged.close().await;
}
