//! Connections that are refused: by the target, or for lack of access.

use std::{net::SocketAddr, time::Duration};

use fastn_net::{
    Code, Protocol,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{
    Tunnelled, bridge, connect, connect_to_reset, read_exact, read_to_reset,
    support::{USUAL, close, open, pair, soon},
    target,
};

#[tokio::test]
async fn a_target_that_refuses_is_a_reset_to_clients_and_an_error_to_streams() {
    let tunnelled = Tunnelled::new().await;
    let Tunnelled { client, server, service, exposed, bridge } = tunnelled;
    drop(service);
    connect_to_reset(&bridge).await;
    let error = open(&client, &server, &Protocol::Tcp, USUAL).await.expect_err("refused");
    assert_eq!((error.code(), error.remote_code()), (Code::Target, Some("target-unreachable")));
    assert_eq!(exposed.connection_count(), 0);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_given_up() {
    let (client, server) = pair().await;
    // A full backlog drops further handshakes.
    let silent = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("socket");
    silent.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("bind");
    silent.listen(0).expect("listen");
    let address = silent.local_addr().expect("address").as_socket().expect("address");
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(tokio::spawn(TcpStream::connect(address)));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let options = ExposeOptions::new(Allow::Public).with_connect_timeout(Duration::from_millis(100));
    let exposed = server.expose_tcp(SocketName::loopback(address.port()), options).expect("expose");
    let error = open(&client, &server, &Protocol::Tcp, USUAL).await.expect_err("given up");
    assert_eq!(error.code(), Code::Target);
    drop(exposed);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_peer_that_is_not_allowed_is_refused_before_the_target_is_contacted() {
    let (client, server) = pair().await;
    let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let allow = Allow::peers([server.id()]).expect("allow");
    let _exposed = server.expose_tcp(target(&service), ExposeOptions::new(allow)).expect("expose");
    let error = open(&client, &server, &Protocol::Tcp, USUAL).await.expect_err("refused");
    assert_eq!(error.code(), Code::Unauthorized);
    let bridge = bridge(&client, &server, BridgeOptions::default()).await;
    connect_to_reset(&bridge).await;
    let asked = tokio::time::timeout(Duration::ZERO, service.accept()).await;
    assert!(asked.is_err(), "the target was asked");
    assert_eq!(Allow::peers([]).expect_err("an empty list").code(), Code::InvalidArgument);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn revoking_a_peer_resets_its_connections() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    client.write_all(b"before").await.expect("write");
    assert_eq!(read_exact(&mut service, 6).await, b"before");
    let revoked = tunnelled.client.id();
    tunnelled.server.change_access(|lists| lists.deny(revoked));
    read_to_reset(&mut client).await;
    read_to_reset(&mut service).await;
    connect_to_reset(&tunnelled.bridge).await;
    tunnelled.close().await;
}

#[tokio::test]
async fn services_have_names() {
    let (client, server) = pair().await;
    let mut services = Vec::new();
    let mut exposed = Vec::new();
    for name in ["one", "two"] {
        let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let options = ExposeOptions::new(Allow::Public).with_service(name);
        exposed.push(server.expose_tcp(target(&service), options).expect("expose"));
        services.push(service);
    }
    let again = server.expose_tcp(target(&services[0]), ExposeOptions::new(Allow::Public).with_service("one"));
    assert_eq!(again.expect_err("in use").code(), Code::ProtocolInUse);
    let unusable = server.expose_tcp(target(&services[0]), ExposeOptions::new(Allow::Public).with_service(""));
    assert_eq!(unusable.expect_err("empty").code(), Code::InvalidArgument);

    let bridge = bridge(&client, &server, BridgeOptions::default().with_service("two")).await;
    let mut socket = connect(&bridge).await;
    socket.write_all(b"hello two").await.expect("write");
    let mut accepted = soon(services[1].accept()).await.expect("accept").0;
    assert_eq!(read_exact(&mut accepted, 9).await, b"hello two");

    // A name is free again once its tunnel has closed.
    soon(exposed.remove(0).close(Duration::ZERO)).await;
    let options = ExposeOptions::new(Allow::Public).with_service("one");
    server.expose_tcp(target(&services[0]), options).expect("expose again");
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn the_error_names_a_port_in_use() {
    let (client, server) = pair().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let error =
        client.bridge_tcp(&target(&taken), server.address(), BridgeOptions::default()).await.expect_err("in use");
    assert_eq!(error.code(), Code::Listen);
    let port = taken.local_addr().expect("address").port();
    assert!(error.message().contains(&format!("127.0.0.1:{port}")), "{error}");
    let own = client.bridge_tcp(&SocketName::loopback(0), client.address(), BridgeOptions::default()).await;
    assert_eq!(own.expect_err("its own key").code(), Code::PeerAddress);
    close(&[&client, &server]).await;
}
