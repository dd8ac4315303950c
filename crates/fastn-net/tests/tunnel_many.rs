//! Many connections through a tunnel.

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener as StdListener, TcpStream as StdStream},
};

use fastn_net::{
    Endpoint,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
};
use support::{close, pair, pattern, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A port that echoes, and a bridge to it.
async fn tunnel_to(port: u16) -> (Endpoint, Endpoint, [Tunnel; 2]) {
    let (client, server) = pair().await;
    let allow = Allow::peers([client.id()]).expect("allow");
    let exposed = server.expose_tcp(SocketName::loopback(port), ExposeOptions::new(allow)).expect("expose");
    let local = SocketName::loopback(0);
    let bridge = client.bridge_tcp(&local, server.address(), BridgeOptions::default());
    let bridge = soon(bridge).await.expect("bridge");
    (client, server, [exposed, bridge])
}

/// iperf3 tells its connections apart by the order in which they arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connections_reach_the_service_in_the_order_in_which_they_came() {
    const COUNT: u8 = 20;
    let service = StdListener::bind("127.0.0.1:0").expect("bind");
    let (client, server, [exposed, bridge]) = tunnel_to(service.local_addr().expect("address").port()).await;
    let port = bridge.port();
    let connected = move |number| {
        let mut socket = StdStream::connect(("127.0.0.1", port)).expect("connect");
        socket.write_all(&[number]).expect("write");
        socket
    };
    let first = connected(0);
    let mut number = [0];
    let mut accept = move || {
        let (mut socket, _) = service.accept().expect("accept");
        socket.read_exact(&mut number).expect("read");
        number[0]
    };
    let (number, mut accept) = tokio::task::spawn_blocking(move || (accept(), accept)).await.expect("no panic");
    assert_eq!(number, 0);
    // On the only worker, so that the bridge finds all of them at once.
    let sockets = tokio::spawn(async move { (1..=COUNT).map(connected).collect::<Vec<_>>() }).await.expect("no panic");
    let order: Vec<u8> =
        tokio::task::spawn_blocking(move || (1..=COUNT).map(|_| accept()).collect()).await.expect("no panic");
    assert_eq!(order, (1..=COUNT).collect::<Vec<_>>());
    drop((first, sockets, exposed, bridge));
    close(&[&client, &server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_hundred_connections_at_once_exchange_their_bytes() {
    const COUNT: usize = 200;
    const SIZE: usize = 100_000;
    let port = echo_service().await;
    let (client, server, tunnels) = tunnel_to(port).await;
    let bridge = tunnels[1].port();
    let mut clients = JoinSet::new();
    for number in 0..COUNT {
        clients.spawn(async move { exchange(bridge, number, SIZE).await });
    }
    soon(clients.join_all()).await;
    drop(tunnels);
    close(&[&client, &server]).await;
}

async fn echo_service() -> u16 {
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

async fn exchange(port: u16, number: usize, size: usize) {
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
