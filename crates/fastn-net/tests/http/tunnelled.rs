//! A service played by the test, a bridge to it, and hand-written HTTP on both ends.

use fastn_net::{
    Endpoint,
    tunnel::{Allow, BridgeHttpOptions, ExposeHttpOptions, HttpTarget, SocketName, Tunnel},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{close, pair, soon};

pub(crate) struct Tunnelled {
    pub(crate) client: Endpoint,
    pub(crate) server: Endpoint,
    pub(crate) service: TcpListener,
    pub(crate) exposed: Tunnel,
    pub(crate) bridge: Tunnel,
}

impl Tunnelled {
    pub(crate) async fn new() -> Self {
        Self::with(|options| options).await
    }

    pub(crate) async fn with(change: impl FnOnce(ExposeHttpOptions) -> ExposeHttpOptions) -> Self {
        let (client, server) = pair().await;
        let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let allow = Allow::peers([client.id()]).expect("allow");
        let exposed = server.expose_http(target(&service), change(ExposeHttpOptions::new(allow))).expect("expose");
        let bridge = bridge(&client, BridgeHttpOptions::default()).await;
        Self { client, server, service, exposed, bridge }
    }

    /// A client's connection to the bridge.
    pub(crate) async fn connect(&self) -> Http {
        connect(&self.bridge).await
    }

    /// The next connection that the service gets.
    pub(crate) async fn accept(&self) -> Http {
        Http(soon(self.service.accept()).await.expect("accept").0)
    }

    /// The Host of the service.
    pub(crate) fn host(&self) -> String {
        format!("{}.localhost:{}", self.server.id(), self.bridge.port())
    }

    /// Sends a request without a body, and returns both connections after it, with the head that the service got.
    pub(crate) async fn get(&self, path: &str) -> (Http, Http, String) {
        let mut client = self.connect().await;
        client.send(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host())).await;
        let mut service = self.accept().await;
        let head = service.head().await;
        (client, service, head)
    }

    pub(crate) async fn close(self) {
        close(&[&self.client, &self.server]).await;
    }
}

pub(crate) fn target(service: &TcpListener) -> HttpTarget {
    service.local_addr().expect("address").to_string().parse().expect("target")
}

pub(crate) async fn bridge(from: &Endpoint, options: BridgeHttpOptions) -> Tunnel {
    soon(from.bridge_http(&SocketName::loopback(0), options)).await.expect("bridge")
}

pub(crate) async fn connect(bridge: &Tunnel) -> Http {
    Http(soon(TcpStream::connect(("127.0.0.1", bridge.port()))).await.expect("connect"))
}

/// A connection.
pub(crate) struct Http(pub(crate) TcpStream);

impl Http {
    pub(crate) async fn send(&mut self, text: &str) {
        soon(self.0.write_all(text.as_bytes())).await.expect("write");
    }

    /// Reads up to and including an empty line, which ends a head.
    pub(crate) async fn head(&mut self) -> String {
        self.text_until("\r\n\r\n").await
    }

    /// Reads up to and including `end`, and not one byte more.
    pub(crate) async fn text_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = soon(self.0.read_u8()).await.unwrap_or_else(|error| panic!("{error} after {text:?}"));
            text.push(char::from(byte));
        }
        text
    }

    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        soon(self.0.read_exact(&mut bytes)).await.expect("bytes");
        bytes
    }

    /// Reads an answer whose head gives its length.
    pub(crate) async fn answer(&mut self) -> (String, String) {
        let head = self.head().await;
        let length = field(&head, "content-length").unwrap_or_else(|| panic!("no length in {head:?}"));
        let body = self.bytes(length.parse().expect("length")).await;
        (head, String::from_utf8(body).expect("UTF-8"))
    }

    /// Reads to the end, which must be a clean one.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        soon(self.0.read_to_end(&mut bytes)).await.expect("a clean end");
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Reads to the end, of either kind.
    pub(crate) async fn ended(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = soon(self.0.read_to_end(&mut bytes)).await;
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Reads to the end, which must be a reset. Returns the bytes before it.
    pub(crate) async fn reset(&mut self) -> String {
        let mut bytes = Vec::new();
        let error = soon(self.0.read_to_end(&mut bytes)).await.expect_err("a reset");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        String::from_utf8(bytes).expect("UTF-8")
    }
}

/// The value of a header field.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    fields(head, name).into_iter().next()
}

/// All values of a header field.
pub(crate) fn fields<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}
