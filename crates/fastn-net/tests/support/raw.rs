//! A raw peer without this library: sends and expects exact bytes over iroh.

use std::{
    net::{Ipv6Addr, SocketAddr},
    time::Duration,
};

use fastn_net::{PeerAddress, PublicKey, wire::alpn::Alpn};
use iroh::{
    EndpointAddr, RelayMode, TransportAddr,
    endpoint::{
        Accepting, Connection, NetReportConfig, PortmapperConfig, QuicTransportConfig, ReadError, ReadExactError,
        RecvStream, SendStream, VarInt, presets,
    },
};

use super::soon;

pub(crate) struct Raw(iroh::Endpoint);

/// Both halves of a stream.
pub(crate) struct RawStream {
    pub(crate) send: SendStream,
    pub(crate) recv: RecvStream,
}

impl Raw {
    /// On 127.0.0.1, with iroh's own limits: 100 streams in either direction.
    pub(crate) async fn bind(alpns: &[&[u8]]) -> Self {
        Self::bind_with(alpns, QuicTransportConfig::builder().build()).await
    }

    /// Binds a peer whose streams have no receive window.
    pub(crate) async fn bind_deaf() -> Self {
        Self::bind_with(&[], QuicTransportConfig::builder().stream_receive_window(VarInt::from_u32(0)).build()).await
    }

    /// On `::1`: reaches a peer on 127.0.0.1 through a proxy, and in no other way.
    pub(crate) async fn bind_ipv6() -> Self {
        Self::bind_at((Ipv6Addr::LOCALHOST, 0).into(), &[], QuicTransportConfig::builder().build()).await
    }

    async fn bind_with(alpns: &[&[u8]], transport: QuicTransportConfig) -> Self {
        Self::bind_at(([127, 0, 0, 1], 0).into(), alpns, transport).await
    }

    async fn bind_at(at: SocketAddr, alpns: &[&[u8]], transport: QuicTransportConfig) -> Self {
        let builder = iroh::Endpoint::builder(presets::Minimal)
            .clear_address_lookup()
            .relay_mode(RelayMode::Disabled)
            .portmapper_config(PortmapperConfig::Disabled)
            .net_report_config(NetReportConfig::minimal())
            .alpns(alpns.iter().map(|alpn| alpn.to_vec()).collect())
            .transport_config(transport)
            .clear_ip_transports()
            .bind_addr(at)
            .expect("address");
        Self(builder.bind().await.expect("bind"))
    }

    pub(crate) fn id(&self) -> PublicKey {
        self.0.id().into()
    }

    pub(crate) fn address(&self) -> PeerAddress {
        PeerAddress { addresses: self.0.bound_sockets(), ..PeerAddress::new(self.id()) }
    }

    pub(crate) async fn dial(&self, to: &fastn_net::Endpoint, alpn: Alpn) -> Connection {
        self.try_dial(to, alpn).await.expect("connection")
    }

    pub(crate) async fn try_dial(&self, to: &fastn_net::Endpoint, alpn: Alpn) -> Option<Connection> {
        self.try_dial_address(&to.address(), alpn).await
    }

    pub(crate) async fn dial_address(&self, to: &PeerAddress, alpn: Alpn) -> Connection {
        self.try_dial_address(to, alpn).await.expect("connection")
    }

    async fn try_dial_address(&self, to: &PeerAddress, alpn: Alpn) -> Option<Connection> {
        let addresses = to.addresses.iter().copied().map(TransportAddr::Ip);
        let address = EndpointAddr::from_parts(to.id.into(), addresses);
        soon(self.0.connect(address, alpn.as_bytes())).await.ok()
    }

    /// Dials a key at an address, without waiting for an answer.
    pub(crate) async fn dial_at(&self, id: PublicKey, at: SocketAddr, alpn: Alpn) {
        let address = EndpointAddr::from_parts(id.into(), [TransportAddr::Ip(at)]);
        let _ = self.0.connect(address, alpn.as_bytes()).await;
    }

    pub(crate) async fn accept(&self) -> Connection {
        soon(async { self.0.accept().await.expect("endpoint").await.expect("connection") }).await
    }

    /// Answers the next handshake. Awaiting the result completes it.
    pub(crate) async fn begin_accept(&self) -> Accepting {
        soon(self.0.accept()).await.expect("endpoint").accept().expect("handshake")
    }

    /// Accepts handshakes, and checks that each fails for lack of a common ALPN.
    pub(crate) async fn refuses_handshakes(&self) {
        while let Some(incoming) = self.0.accept().await {
            assert!(incoming.await.is_err(), "connected");
        }
    }

    pub(crate) async fn close(self) {
        soon(self.0.close()).await;
    }
}

impl RawStream {
    pub(crate) async fn open(connection: &Connection) -> Self {
        let (send, recv) = soon(connection.open_bi()).await.expect("stream");
        Self { send, recv }
    }

    /// Opens a stream and sends its first bytes.
    pub(crate) async fn start(connection: &Connection, bytes: &[u8]) -> Self {
        let mut stream = Self::open(connection).await;
        stream.say(bytes).await;
        stream
    }

    pub(crate) async fn accept(connection: &Connection) -> Self {
        let (send, recv) = soon(connection.accept_bi()).await.expect("stream");
        Self { send, recv }
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        soon(self.send.write_all(bytes)).await.expect("write");
    }

    /// Writes the last bytes and the FIN.
    pub(crate) async fn end(&mut self, bytes: &[u8]) {
        self.say(bytes).await;
        self.send.finish().expect("finish");
    }

    /// Checks the next bytes.
    pub(crate) async fn hears(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        match soon(self.recv.read_exact(&mut got)).await {
            Ok(()) => assert_eq!(text(&got), text(bytes)),
            Err(ReadExactError::FinishedEarly(count)) => {
                panic!("{:?} and FIN in place of {:?}", text(&got[..count]), text(bytes))
            }
            Err(error) => panic!("{error} in place of {:?}", text(bytes)),
        }
    }

    /// Checks the bytes up to the FIN.
    pub(crate) async fn hears_last(&mut self, bytes: &[u8]) {
        assert_eq!(text(&self.rest().await), text(bytes));
    }

    /// Reads up to the FIN.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        soon(self.recv.read_to_end(64 << 20)).await.expect("FIN")
    }

    /// Reads until a reset. Returns its code.
    pub(crate) async fn hears_reset(&mut self) -> u64 {
        let mut chunk = [0; 1024];
        loop {
            match soon(self.recv.read(&mut chunk)).await {
                Ok(Some(_)) => {}
                Err(ReadError::Reset(code)) => return code.into(),
                other => panic!("{other:?} in place of a reset"),
            }
        }
    }

    /// Waits for a stop. Returns its code.
    pub(crate) async fn is_stopped(&mut self) -> u64 {
        soon(self.send.stopped()).await.expect("connection").expect("a stop, no acknowledged end").into()
    }

    /// Checks for a refusal line with this code, the FIN, and `STOP_SENDING(0)`.
    pub(crate) async fn is_refused(&mut self, word: &str) {
        let line = self.rest().await;
        let start = format!("{{\"error\":\"{word}\",\"message\":\"");
        assert!(line.starts_with(start.as_bytes()), "{:?} in place of {start}", text(&line));
        assert!(line.ends_with(b"\"}\n"), "{:?}", text(&line));
        serde_json::from_slice::<serde_json::Value>(&line).expect("one line of JSON");
        assert_eq!(self.is_stopped().await, 0);
    }
}

pub(crate) fn code(code: u32) -> VarInt {
    VarInt::from_u32(code)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A peer on its own thread that can be frozen: it then acknowledges no packet.
pub(crate) struct Frozen {
    pub(crate) address: PeerAddress,
    thaw: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<Vec<u8>>,
}

impl Frozen {
    /// Acknowledges the header of one stream, then freezes. Once thawed, it reads the stream to its end.
    pub(crate) async fn start(alpn: Alpn, header: &'static [u8]) -> (Self, tokio::sync::oneshot::Receiver<()>) {
        let (thaw, thawed) = std::sync::mpsc::channel();
        let (tell, told) = tokio::sync::oneshot::channel();
        let (freezing, frozen) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(async {
                let raw = Raw::bind(&[alpn.as_bytes()]).await;
                tell.send(raw.address()).expect("a test");
                let connection = raw.accept().await;
                let mut stream = RawStream::accept(&connection).await;
                stream.hears(header).await;
                stream.say(b"ack\n").await;
                stream.hears(b"freeze").await;
                freezing.send(()).expect("a test");
                // Blocks the thread, and so the whole peer.
                let _ = thawed.recv();
                let read = stream.recv.read_to_end(64 << 20).await.unwrap_or_default();
                // Its runtime continues, to acknowledge the read bytes.
                let _ = tokio::time::timeout(Duration::from_secs(1), connection.closed()).await;
                read
            })
        });
        let address = soon(told).await.expect("address");
        (Self { address, thaw, thread }, frozen)
    }

    /// Thaws it. Returns the bytes that it read after the freeze.
    pub(crate) async fn thaw(self) -> Vec<u8> {
        drop(self.thaw);
        soon(tokio::task::spawn_blocking(|| self.thread.join().expect("thread"))).await.expect("join")
    }
}

/// The code by which the other side closes a connection.
pub(crate) async fn closed_with(connection: &Connection) -> u64 {
    match soon(connection.closed()).await {
        iroh::endpoint::ConnectionError::ApplicationClosed(close) => close.error_code.into(),
        other => panic!("{other:?}"),
    }
}
