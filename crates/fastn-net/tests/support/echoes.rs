//! A service that echoes behind a tunnel, and its clients.

use fastn_net::{
    Endpoint,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{pair, pattern, soon};

/// A service at a port, exposed, and a bridge to it.
pub(crate) async fn tunnel_to(port: u16) -> (Endpoint, Endpoint, [Tunnel; 2]) {
    let (client, server) = pair().await;
    let allow = Allow::peers([client.id()]).expect("allow");
    let exposed = server.expose_tcp(SocketName::loopback(port), ExposeOptions::new(allow)).expect("expose");
    let local = SocketName::loopback(0);
    let bridge = client.bridge_tcp(&local, server.address(), BridgeOptions::default());
    let bridge = soon(bridge).await.expect("bridge");
    (client, server, [exposed, bridge])
}

/// A port that echoes.
pub(crate) async fn echo_service() -> u16 {
    let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = service.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = service.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = socket.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
                let _ = writer.shutdown().await;
            });
        }
    });
    port
}

/// Sends bytes through a bridge to a port that echoes, and gets them back.
pub(crate) async fn exchange(port: u16, number: usize, size: usize) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.expect("connect");
    let (mut reader, mut writer) = socket.split();
    let mut request = pattern(size);
    request.rotate_left(number);
    let mut received = Vec::new();
    let sending = async {
        writer.write_all(&request).await.expect("write");
        writer.shutdown().await.expect("half-close");
    };
    let ((), count) = tokio::join!(sending, reader.read_to_end(&mut received));
    count.expect("a clean end");
    assert!(received == request, "connection {number}");
}
