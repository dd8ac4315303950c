//! The service that a request reaches, and the Host that the service gets.

use fastn_net::{
    Code,
    tunnel::{Allow, BridgeHttpOptions, ExposeHttpOptions, HostHeader, HttpDestination, SocketName},
};
use tokio::net::TcpListener;

use crate::{
    support::{close, pair, soon},
    tunnelled::{Http, Tunnelled, bridge, connect, field, target},
};

#[tokio::test]
async fn a_bridge_answers_only_for_known_hosts() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    for host in ["evil.example", "localhost", "127.0.0.1", "x.localhost"] {
        client.send(&format!("GET / HTTP/1.1\r\nhost: {host}:{}\r\n\r\n", tunnelled.bridge.port())).await;
        let (head, body) = client.answer().await;
        assert!(head.starts_with("HTTP/1.1 421 "), "{head}");
        assert!(body.contains("<id52>.localhost"), "{body}");
    }
    // The target of the request counts, and must not differ.
    client.send(&format!("GET http://{} HTTP/1.1\r\nhost: evil.example\r\n\r\n", tunnelled.host())).await;
    assert!(client.answer().await.0.starts_with("HTTP/1.1 400 "));
    client
        .send(&format!(
            "CONNECT {0} HTTP/1.1\r\nhost: {0}\r\n\r\nGET / HTTP/1.1\r\nhost: {0}\r\nx: a\nb: c\r\n\r\n",
            tunnelled.host()
        ))
        .await;
    let (head, _) = client.answer().await;
    assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
    // What follows is HTTP still.
    assert!(client.head().await.starts_with("HTTP/1.1 400 "));
    tunnelled.close().await;
}

#[tokio::test]
async fn services_are_found_by_name_by_id_and_by_alias() {
    let (client, server) = pair().await;
    let mut services = Vec::new();
    let mut exposed = Vec::new();
    for name in ["one", "two", "Three é"] {
        let service = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let options = ExposeHttpOptions::new(Allow::Public).with_service(name);
        exposed.push(server.expose_http(target(&service), options).expect("expose"));
        services.push(service);
    }
    let again = ExposeHttpOptions::new(Allow::Public).with_service("one");
    assert_eq!(server.expose_http(target(&services[0]), again).expect_err("in use").code(), Code::ProtocolInUse);

    let destination = |name: &str| HttpDestination::new(server.address()).with_service(name);
    let options =
        BridgeHttpOptions::default().with_destination(destination("two")).with_host("shop", destination("Three é"));
    let bridge = bridge(&client, options).await;
    let id = server.id();
    let hosts = [
        (format!("one.{id}.localhost"), 0),
        ("localhost".to_owned(), 1),
        (format!("{id}.localhost"), 1),
        ("shop.localhost".to_owned(), 2),
    ];
    for (host, index) in hosts {
        let mut socket = connect(&bridge).await;
        socket.send(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
        let mut service = Http(soon(services[index].accept()).await.expect("accept").0);
        assert_eq!(field(&service.head().await, "host"), Some(host.as_str()));
        service.send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        assert!(socket.rest().await.starts_with("HTTP/1.1 204 "), "{host}");
    }
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn the_host_is_rewritten_on_request() {
    for (host, expected) in [(HostHeader::Target, None), (HostHeader::Name("app.test".to_owned()), Some("app.test"))] {
        let tunnelled = Tunnelled::with(|options| options.with_host_header(host)).await;
        let (_client, _service, head) = tunnelled.get("/").await;
        let target = tunnelled.service.local_addr().expect("address").to_string();
        assert_eq!(field(&head, "host"), Some(expected.unwrap_or(&target)));
        assert_eq!(field(&head, "x-forwarded-host"), Some(tunnelled.host().as_str()));
        tunnelled.close().await;
    }
}

#[tokio::test]
async fn a_target_is_a_service_without_a_path() {
    for text in ["http://localhost:80/app", "ftp://localhost", "https://", "http://user@host", "", "host"] {
        let error = text.parse::<fastn_net::tunnel::HttpTarget>().expect_err(text);
        assert_eq!(error.code(), Code::InvalidArgument, "{text}");
    }
    for (text, shown) in [
        ("http://localhost:80/", "http://localhost:80"),
        ("https://[::1]", "https://[::1]"),
        ("80", "http://127.0.0.1:80"),
    ] {
        assert_eq!(text.parse::<fastn_net::tunnel::HttpTarget>().expect(text).to_string(), shown);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_serve_on_both_sides() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{UnixListener, UnixStream},
    };
    let (client, server) = pair().await;
    let folder = tempfile::tempdir().expect("folder");
    let (service_path, bridge_path) = (folder.path().join("service"), folder.path().join("bridge"));
    let service = UnixListener::bind(&service_path).expect("bind");
    let target = format!("unix:{}", service_path.display()).parse().expect("target");
    let _exposed = server.expose_http(target, ExposeHttpOptions::new(Allow::Public)).expect("expose");
    let options = BridgeHttpOptions::default().with_destination(HttpDestination::new(server.address()));
    let _bridge = client.bridge_http(&SocketName::Unix(bridge_path.clone()), options).await.expect("bridge");

    let mut socket = soon(UnixStream::connect(&bridge_path)).await.expect("connect");
    socket.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.expect("write");
    let mut accepted = soon(service.accept()).await.expect("accept").0;
    let mut head = [0; 16];
    soon(accepted.read_exact(&mut head)).await.expect("head");
    assert_eq!(&head, b"GET / HTTP/1.1\r\n");
    accepted.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.expect("write");
    let mut answer = String::new();
    soon(socket.read_to_string(&mut answer)).await.expect("a clean end");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"), "{answer}");
    close(&[&client, &server]).await;
}
