//! `malai tcp` and `malai tcp-bridge`.

use fastn_net::{
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName},
    wire::alpn::Alpn,
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::{
    connect, endpoint,
    peer::{malai, serve_tcp},
    play, read, read_to_end, service,
    support::{
        close,
        raw::{Raw, RawStream},
        soon,
    },
};

#[tokio::test]
async fn malai_tcp_bridge_reaches_an_exposed_service() {
    let (endpoint, raw) = (endpoint().await, Raw::bind(&[]).await);
    let allow = Allow::peers([raw.id()]).expect("allow");
    let _exposed =
        endpoint.expose_tcp(service(b"question", b"answer").await, ExposeOptions::new(allow)).expect("expose");
    let connection = raw.dial(&endpoint, Alpn::Kulfi).await;
    for _ in 0..2 {
        // Its dialler pings between two streams.
        for exchange in ["tcp", "ping"] {
            play(&mut RawStream::open(&connection).await, exchange, "dialler", "").await;
        }
    }
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn malai_tcp_bridge_gets_a_refusal_in_place_of_the_ack_if_nothing_listens() {
    let (endpoint, raw) = (endpoint().await, Raw::bind(&[]).await);
    let free = TcpListener::bind("127.0.0.1:0").await.expect("bind").local_addr().expect("address").port();
    let _exposed = endpoint.expose_tcp(SocketName::loopback(free), ExposeOptions::new(Allow::Public)).expect("expose");
    let connection = raw.dial(&endpoint, Alpn::Kulfi).await;
    RawStream::start(&connection, b"\"Tcp\"\n").await.is_refused("target-unreachable").await;
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_sends_what_malai_tcp_expects() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let options = BridgeOptions::default();
    let bridge = soon(endpoint.bridge_tcp(&SocketName::loopback(0), raw.address(), options)).await.expect("bridge");
    let mut client = connect(&bridge).await;
    client.write_all(b"question").await.expect("write");
    let connection = raw.accept().await;
    let mut stream = RawStream::accept(&connection).await;
    let (answer, ()) = tokio::join!(
        async {
            let answer = read_to_end(&mut client).await;
            drop(client);
            answer
        },
        play(&mut stream, "tcp", "acceptor", "")
    );
    assert_eq!(answer, b"answer");
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_reaches_malai_tcp() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let target = listener.local_addr().expect("address");
    let bridge = soon(endpoint.bridge_tcp(&SocketName::loopback(0), raw.address(), BridgeOptions::default()))
        .await
        .expect("bridge");
    let (mut one, mut two) = (connect(&bridge).await, connect(&bridge).await);
    one.write_all(b"one").await.expect("write");
    two.write_all(b"two").await.expect("write");
    tokio::spawn(serve_tcp(raw.accept().await, target));
    // Both connections go over the one connection to the peer.
    let (mut first, mut second) =
        (soon(listener.accept()).await.expect("accept").0, soon(listener.accept()).await.expect("accept").0);
    let mut heard = [read::<3>(&mut first).await, read::<3>(&mut second).await];
    for (socket, heard) in [(&mut first, heard[0]), (&mut second, heard[1])] {
        socket.write_all(&heard).await.expect("write");
        socket.write_all(b"!").await.expect("write");
    }
    drop((first, second));
    heard.sort_unstable();
    assert_eq!(heard, [*b"one", *b"two"]);
    assert_eq!(read_to_end(&mut one).await, b"one!");
    assert_eq!(read_to_end(&mut two).await, b"two!");
    close(&[&endpoint]).await;
    raw.close().await;
}
