//! TCP and Unix tunnels: bytes, and how connections end.

#[path = "../support/mod.rs"]
mod support;

mod bytes;
mod lifetime;
mod refusals;
#[cfg(unix)]
mod slow_readers;
mod transports;

use std::{io::ErrorKind, time::Duration};

use fastn_net::{
    Endpoint,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
};
use support::{close, pair, soon};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

/// A service that the test itself is, and a bridge to it.
struct Tunnelled {
    client: Endpoint,
    server: Endpoint,
    service: TcpListener,
    exposed: Tunnel,
    bridge: Tunnel,
}

impl Tunnelled {
    async fn new() -> Self {
        let (client, server) = pair().await;
        let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let allow = Allow::peers([client.id()]).expect("allow");
        let exposed = server.expose_tcp(target(&service), ExposeOptions::new(allow)).expect("expose");
        let bridge = bridge(&client, &server, BridgeOptions::default()).await;
        Self { client, server, service, exposed, bridge }
    }

    async fn connect(&self) -> TcpStream {
        connect(&self.bridge).await
    }

    /// A client's socket and the service's.
    async fn connected(&self) -> (TcpStream, TcpStream) {
        let (client, accepted) = tokio::join!(self.connect(), soon(self.service.accept()));
        (client, accepted.expect("accept").0)
    }

    async fn close(self) {
        close(&[&self.client, &self.server]).await;
    }
}

fn target(service: &TcpListener) -> SocketName {
    SocketName::loopback(service.local_addr().expect("address").port())
}

async fn bridge(from: &Endpoint, to: &Endpoint, options: BridgeOptions) -> Tunnel {
    soon(from.bridge_tcp(&SocketName::loopback(0), to.address(), options)).await.expect("bridge")
}

async fn connect(bridge: &Tunnel) -> TcpStream {
    soon(TcpStream::connect(("127.0.0.1", bridge.port()))).await.expect("connect")
}

/// Connects, and expects a reset, which may come before the connect is seen.
async fn connect_to_reset(bridge: &Tunnel) {
    match soon(TcpStream::connect(("127.0.0.1", bridge.port()))).await {
        Ok(mut socket) => assert_eq!(read_to_reset(&mut socket).await, b""),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

async fn read_to_end(socket: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    soon(socket.read_to_end(&mut bytes)).await.expect("a clean end");
    bytes
}

async fn read_exact(socket: &mut (impl AsyncReadExt + Unpin), count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    soon(socket.read_exact(&mut bytes)).await.expect("bytes");
    bytes
}

/// Reads until the socket fails, which must be a reset. Returns the bytes before it.
async fn read_to_reset(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let error = soon(socket.read_to_end(&mut bytes)).await.expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    bytes
}

fn reset(socket: TcpStream) {
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).expect("linger");
    drop(socket);
}
