//! UDP tunnels: datagrams keep their bounds, and flows end.

mod support;

use std::{net::SocketAddr, time::Duration};

use fastn_net::{
    Code, Endpoint, OpenOptions, Protocol,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
};
use support::{USUAL, close, open, pair, pattern, soon, until};
use tokio::net::UdpSocket;

async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.expect("bind")
}

fn name(socket: &UdpSocket) -> SocketName {
    SocketName::loopback(socket.local_addr().expect("address").port())
}

async fn bridge(from: &Endpoint, to: &Endpoint, options: BridgeOptions) -> Tunnel {
    soon(from.bridge_udp(&SocketName::loopback(0), to.address(), options)).await.expect("bridge")
}

async fn client(bridge: &Tunnel) -> UdpSocket {
    let client = socket().await;
    client.connect(("127.0.0.1", bridge.port())).await.expect("connect");
    client
}

async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut bytes = vec![0; 65_536];
    let (count, from) = soon(socket.recv_from(&mut bytes)).await.expect("a datagram");
    bytes.truncate(count);
    (bytes, from)
}

#[tokio::test]
async fn datagrams_of_each_client_pass_both_ways_undivided() {
    let (near, far) = pair().await;
    let service = socket().await;
    let allow = Allow::peers([near.id()]).expect("allow");
    let exposed = far.expose_udp(name(&service), ExposeOptions::new(allow)).expect("expose");
    let bridge = bridge(&near, &far, BridgeOptions::default()).await;
    let (one, two) = (client(&bridge).await, client(&bridge).await);
    // Empty, small, and the largest that UDP carries on loopback.
    for datagram in [Vec::new(), b"question".to_vec(), pattern(65_507)] {
        one.send(&datagram).await.expect("send");
        let (asked, from) = receive(&service).await;
        assert!(asked == datagram, "{} bytes became {}", datagram.len(), asked.len());
        service.send_to(&datagram, from).await.expect("send");
        assert!(receive(&one).await.0 == datagram);
    }
    two.send(b"two").await.expect("send");
    let (asked, from_two) = receive(&service).await;
    assert_eq!(asked, b"two");
    service.send_to(b"for two", from_two).await.expect("send");
    assert_eq!(receive(&two).await.0, b"for two");
    assert_eq!((bridge.connection_count(), exposed.connection_count()), (2, 2));
    close(&[&near, &far]).await;
}

#[tokio::test]
async fn an_idle_flow_ends_and_a_later_datagram_begins_another() {
    let (near, far) = pair().await;
    let service = socket().await;
    let brief = Duration::from_millis(100);
    let exposed = far.expose_udp(name(&service), ExposeOptions::new(Allow::Public)).expect("expose");
    let bridge = bridge(&near, &far, BridgeOptions::default().with_flow_timeout(brief)).await;
    let client = client(&bridge).await;
    for _ in 0..2 {
        client.send(b"hello").await.expect("send");
        assert_eq!(receive(&service).await.0, b"hello");
        until("the flow has ended", || bridge.connection_count() == 0 && exposed.connection_count() == 0).await;
    }
    close(&[&near, &far]).await;
}

#[tokio::test]
async fn flows_are_bounded_and_belong_to_allowed_peers() {
    let (near, far) = pair().await;
    let service = socket().await;
    let exposed = far.expose_udp(name(&service), ExposeOptions::new(Allow::Public)).expect("expose");
    let bridge = bridge(&near, &far, BridgeOptions::default().with_max_connections(1)).await;
    let (first, second) = (client(&bridge).await, client(&bridge).await);
    first.send(b"first").await.expect("send");
    assert_eq!(receive(&service).await.0, b"first");
    second.send(b"second").await.expect("send");
    first.send(b"first again").await.expect("send");
    assert_eq!(receive(&service).await.0, b"first again");
    assert_eq!(bridge.connection_count(), 1);
    soon(exposed.close(Duration::ZERO)).await;
    until("the flow has ended", || bridge.connection_count() == 0).await;

    let allow = Allow::peers([far.id()]).expect("allow");
    let _exposed = far.expose_udp(name(&service), ExposeOptions::new(allow).with_service("dns")).expect("expose");
    let protocol = Protocol::service("udp", Some("dns"));
    let refused = open(&near, &far, &protocol, USUAL).await.expect_err("refused");
    assert_eq!(refused.code(), Code::Unauthorized);
    close(&[&near, &far]).await;
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_datagram_ends_its_flow() {
    let (near, far) = pair().await;
    let service = socket().await;
    let exposed = far.expose_udp(name(&service), ExposeOptions::new(Allow::Public)).expect("expose");
    let peer = near.peer(&far.address()).expect("peer");
    let protocol = Protocol::service("udp", None);
    let mut stream = soon(near.open(&peer, &protocol, None, OpenOptions::default())).await.expect("stream");
    stream.write_all(b"\0\x03abc\0\x05ab").await.expect("write");
    stream.finish();
    assert_eq!(receive(&service).await.0, b"abc");
    until("the flow has ended", || exposed.connection_count() == 0).await;
    close(&[&near, &far]).await;
}

/// The only thread for look-ups is occupied, so that the target's look-up lasts until its time limit.
#[test]
fn closing_a_tunnel_ends_the_look_up_of_its_target() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).max_blocking_threads(1).enable_all();
    runtime.build().expect("runtime").block_on(async {
        let (near, far) = pair().await;
        let target: SocketName = "localhost:9".parse().expect("target");
        let exposed = far.expose_udp(target, ExposeOptions::new(Allow::Public)).expect("expose");
        let bridge = bridge(&near, &far, BridgeOptions::default()).await;
        let client = client(&bridge).await;
        let (release, occupied) = std::sync::mpsc::channel::<()>();
        let thread = tokio::task::spawn_blocking(move || occupied.recv());
        client.send(b"hello").await.expect("send");
        until("the look-up begins", || exposed.connection_count() == 1).await;
        let closing = std::time::Instant::now();
        soon(exposed.close(Duration::ZERO)).await;
        assert!(closing.elapsed() < Duration::from_secs(5), "{:?}", closing.elapsed());
        drop(release);
        assert!(soon(thread).await.expect("no panic").is_err());
        close(&[&near, &far]).await;
    });
}
