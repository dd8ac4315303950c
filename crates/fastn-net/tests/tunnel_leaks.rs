//! What the connections of a tunnel leave behind. Alone in its file: it measures the process.
#![cfg(target_os = "linux")]

mod support;

use fastn_net::{
    Endpoint,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
};
use support::{close, pair, pattern, soon, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_thousand_connections_leave_no_socket_and_no_memory_behind() {
    let port = echo_service().await;
    let (client, server, tunnels) = tunnel_to(port).await;
    let bridge = tunnels[1].port();
    let rounds = |count: usize| async move {
        for _ in 0..count {
            let mut clients = JoinSet::new();
            for number in 0..50 {
                clients.spawn(async move { exchange(bridge, number, 2_000).await });
            }
            soon(clients.join_all()).await;
        }
    };
    let none_left = || until("the connections end", || tunnels.iter().all(|tunnel| tunnel.connection_count() == 0));
    // What is allocated once: buffers, and the tables of the connection.
    rounds(10).await;
    none_left().await;
    let (sockets, memory) = (open_files(), resident_kib());
    rounds(40).await;
    none_left().await;
    until("the sockets close", || open_files() <= sockets).await;
    let grown = resident_kib().saturating_sub(memory);
    assert!(grown < 4_096, "{grown} KiB");
    drop(tunnels);
    close(&[&client, &server]).await;
}

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

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
