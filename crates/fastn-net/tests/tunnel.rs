//! TCP and Unix tunnels: bytes, and how connections end.

mod support;

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use fastn_net::{
    Code, Endpoint, Protocol,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
};
use support::{GENEROUS, USUAL, close, open, pair, pattern, soon, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_pass_both_ways_and_each_end_is_one_of_its_own() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    let (request, answer) = (pattern(3_000_000), pattern(2_000_000));
    let serving = async {
        assert_eq!(read_to_end(&mut service).await, request);
        service.write_all(&answer).await.expect("write");
        service.shutdown().await.expect("shutdown");
    };
    let asking = async {
        client.write_all(&request).await.expect("write");
        client.shutdown().await.expect("shutdown");
        assert_eq!(read_to_end(&mut client).await, answer);
    };
    tokio::join!(serving, asking);
    until("both sides have let go", || {
        tunnelled.exposed.connection_count() == 0 && tunnelled.bridge.connection_count() == 0
    })
    .await;
    tunnelled.close().await;
}

#[tokio::test]
async fn the_service_may_speak_first_and_end_first() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    service.write_all(b"220 ready\n").await.expect("write");
    service.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut client).await, b"220 ready\n");
    client.write_all(b"quit\n").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut service).await, b"quit\n");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_reset_on_either_side_is_a_reset_on_the_other() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, service) = tunnelled.connected().await;
    reset(service);
    assert_eq!(read_to_reset(&mut client).await, b"");

    let (client, mut service) = tunnelled.connected().await;
    reset(client);
    assert_eq!(read_to_reset(&mut service).await, b"");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_reset_behind_the_end_of_a_direction_is_carried_too() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    client.write_all(b"last words").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut service).await, b"last words");
    reset(client);
    // Nothing but the failed write tells a service that has read the end.
    let failed = async {
        loop {
            if let Err(error) = service.write_all(b"are you there?").await {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let kind = soon(failed).await.kind();
    assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_carried_while_the_other_side_reads_nothing() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    fill(&mut client).await;
    reset(client);
    read_to_reset(&mut service).await;
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_reads_nothing_holds_no_connection_of_a_lost_peer() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    fill(&mut client).await;
    let revoked = tunnelled.client.id();
    tunnelled.server.change_access(|lists| lists.deny(revoked));
    until("the connection has ended", || tunnelled.exposed.connection_count() == 0).await;
    read_to_reset(&mut service).await;
    tunnelled.close().await;
}

/// Writes until nothing more is taken for a while. Returns how much was.
async fn fill(socket: &mut TcpStream) -> usize {
    let chunk = vec![7; 64 * 1024];
    let mut taken = 0;
    loop {
        match tokio::time::timeout(Duration::from_secs(1), socket.write(&chunk)).await {
            Ok(count) => taken += count.expect("write"),
            Err(_) => return taken,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_reads_nothing_holds_up_its_client_and_no_other() {
    let tunnelled = Tunnelled::new().await;
    let (mut stalled, mut unread) = tunnelled.connected().await;
    let taken = fill(&mut stalled).await;
    assert!(taken <= 16 * 1024 * 1024, "{taken} bytes were taken");

    let (mut client, mut service) = tunnelled.connected().await;
    client.write_all(b"ping").await.expect("write");
    assert_eq!(read_exact(&mut service, 4).await, b"ping");

    // Everything that was taken arrives.
    stalled.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut unread).await.len(), taken);
    tunnelled.close().await;
}

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
async fn a_peer_that_is_not_allowed_is_refused_before_the_target_hears_of_it() {
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
    assert_eq!(Allow::peers([]).expect_err("nobody").code(), Code::InvalidArgument);
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
async fn a_peer_that_ends_at_once_resets_the_connections_of_the_other() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, _service) = tunnelled.connected().await;
    tunnelled.server.close_now();
    read_to_reset(&mut client).await;

    let tunnelled = Tunnelled::new().await;
    let (_client, mut service) = tunnelled.connected().await;
    tunnelled.client.close_now();
    read_to_reset(&mut service).await;
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
async fn a_port_in_use_is_named() {
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

#[tokio::test]
async fn draining_lets_connections_finish_and_accepts_no_more() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    tunnelled.client.drain();
    tunnelled.server.drain();
    until("the bridge listens no more", || {
        std::net::TcpStream::connect(("127.0.0.1", tunnelled.bridge.port())).is_err()
    })
    .await;
    client.write_all(b"the rest").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut service).await, b"the rest");
    service.write_all(b"thanks").await.expect("write");
    drop(service);
    let (report, answer) = tokio::join!(tunnelled.server.close(GENEROUS), read_to_end(&mut client));
    assert_eq!(answer, b"thanks");
    assert!(report.is_clean(), "{report:?}");
    soon(tunnelled.exposed.closed()).await;
    soon(tunnelled.bridge.closed()).await;
    close(&[&tunnelled.client]).await;
}

#[tokio::test]
async fn closing_a_tunnel_waits_as_long_as_it_may_and_then_resets() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    assert_eq!((tunnelled.bridge.connection_count(), tunnelled.exposed.connection_count()), (1, 1));
    soon(tunnelled.bridge.close(Duration::from_millis(50))).await;
    read_to_reset(&mut client).await;
    read_to_reset(&mut service).await;
    assert!(TcpStream::connect(("127.0.0.1", tunnelled.bridge.port())).await.is_err());
    soon(tunnelled.exposed.close(GENEROUS)).await;
    let error = open(&tunnelled.client, &tunnelled.server, &Protocol::Tcp, USUAL).await.expect_err("not exposed");
    assert_eq!(error.code(), Code::ProtocolUnsupported);
    tunnelled.close().await;
}

#[tokio::test]
async fn a_dropped_tunnel_lets_its_connections_finish() {
    let Tunnelled { client: from, server, service, exposed, bridge } = Tunnelled::new().await;
    let mut client = connect(&bridge).await;
    let mut accepted = soon(service.accept()).await.expect("accept").0;
    drop((exposed, bridge));
    client.write_all(b"still here").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut accepted).await, b"still here");
    close(&[&from, &server]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_serve_on_both_sides() {
    use tokio::net::{UnixListener, UnixStream};
    let (client, server) = pair().await;
    let folder = tempfile::tempdir().expect("folder");
    let (service_path, bridge_path) = (folder.path().join("service"), folder.path().join("bridge"));
    let service = UnixListener::bind(&service_path).expect("bind");
    let exposed = server.expose_tcp(SocketName::Unix(service_path), ExposeOptions::new(Allow::Public)).expect("expose");
    // The file of a program that is gone is no obstacle, and one that is served is.
    drop(UnixListener::bind(&bridge_path).expect("bind"));
    let name = SocketName::Unix(bridge_path.clone());
    let bridge = client.bridge_tcp(&name, server.address(), BridgeOptions::default()).await.expect("bridge");
    let taken = client.bridge_tcp(&name, server.address(), BridgeOptions::default()).await.expect_err("in use");
    assert_eq!(taken.code(), Code::Listen);

    let mut socket = soon(UnixStream::connect(&bridge_path)).await.expect("connect");
    let mut accepted = soon(service.accept()).await.expect("accept").0;
    socket.write_all(b"question").await.expect("write");
    socket.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut accepted).await, b"question");
    accepted.write_all(b"answer").await.expect("write");
    drop(accepted);
    assert_eq!(read_to_end(&mut socket).await, b"answer");
    soon(bridge.close(GENEROUS)).await;
    assert!(!bridge_path.exists(), "the socket's file is removed");
    soon(exposed.close(GENEROUS)).await;
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_stream_is_piped_to_any_reader_and_writer() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut opened, mut accepted) = support::stream(&client, &server, &Protocol::Tcp, &listener).await;
    let (near, mut far) = tokio::io::duplex(16);
    let (reader, writer) = tokio::io::split(near);
    let piped = fastn_net::tunnel::pipe(&mut opened, tokio::io::join(reader, writer));
    let talking = async {
        far.write_all(b"more than the pipe holds at once").await.expect("write");
        far.shutdown().await.expect("shutdown");
        assert_eq!(read_to_end(&mut accepted).await, b"more than the pipe holds at once");
        accepted.write_all(b"and back").await.expect("write");
        accepted.finish();
        assert_eq!(read_to_end(&mut far).await, b"and back");
    };
    let (ended, ()) = soon(async { tokio::join!(piped, talking) }).await;
    ended.expect("both directions ended");
    close(&[&client, &server]).await;
}
