//! Many connections through a tunnel.

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener as StdListener, TcpStream as StdStream},
};

use support::{
    close,
    echoes::{echo_service, exchange, tunnel_to},
    soon,
};
use tokio::task::JoinSet;

/// iperf3 tells its connections apart by the order in which they arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connections_reach_the_service_in_the_order_of_their_arrival() {
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
