//! `malai http-proxy` and `malai http-proxy-remote`.

use fastn_net::{
    targets::Targets,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName},
    wire::alpn::Alpn,
};
use tokio::io::AsyncWriteExt;

use crate::{
    connect, endpoint,
    peer::{malai, serve_proxy},
    play, read, read_to_end, service,
    support::{
        close,
        raw::{Raw, RawStream},
        soon,
    },
    web_server,
};

#[tokio::test]
async fn malai_http_proxy_connects_through_an_exposed_proxy() {
    let (endpoint, raw) = (endpoint().await, Raw::bind(&[]).await);
    let targets = Targets::parse(["127.0.0.1"]).expect("rule");
    let allow = Allow::peers([raw.id()]).expect("allow");
    let _exposed = endpoint.expose_proxy(targets, ExposeOptions::new(allow)).expect("expose");
    let target = service(b"question", b"answer").await;
    let connection = raw.dial(&endpoint, Alpn::Kulfi).await;
    let mut stream = RawStream::open(&connection).await;
    play(&mut stream, "connect", "dialler", &target.to_string()).await;
    play(&mut RawStream::open(&connection).await, "proxied", "dialler", &web_server().await).await;
    // A destination that no rule allows is a reset, after the ack.
    let mut refused = RawStream::start(&connection, b"\"HttpProxy\"\n{\"Connect\":{\"addr\":\"10.0.0.1:80\"}}\n").await;
    assert_eq!(refused.hears_reset().await, 0);
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_proxies_reach_destinations_through_malai_http_proxy_remote() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let target = service(b"question", b"answer").await;
    let SocketName::Tcp { port, .. } = &target else { panic!("a port") };
    let local = SocketName::loopback(0);
    let socks = soon(endpoint.socks5(&local, raw.address(), BridgeOptions::default())).await.expect("listen");
    let proxy = soon(endpoint.proxy(&local, raw.address(), BridgeOptions::default())).await.expect("listen");
    let accepting = tokio::spawn(async move {
        serve_proxy(raw.accept().await).await;
        raw
    });

    let mut client = connect(&socks).await;
    client.write_all(&[&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1], &port.to_be_bytes()[..]].concat()).await.expect("write");
    assert_eq!(read::<12>(&mut client).await, [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    client.write_all(b"question").await.expect("write");
    assert_eq!(read_to_end(&mut client).await, b"answer");

    let mut client = connect(&proxy).await;
    client.write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes()).await.expect("write");
    assert_eq!(&read::<12>(&mut client).await, b"HTTP/1.1 200");
    client.write_all(b"question").await.expect("write");
    let answer = read_to_end(&mut client).await;
    assert!(answer.ends_with(b"\r\n\r\nanswer"), "{}", String::from_utf8_lossy(&answer));

    close(&[&endpoint]).await;
    soon(accepting).await.expect("join").close().await;
}
