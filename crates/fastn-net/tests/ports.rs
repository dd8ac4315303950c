//! Closing an endpoint frees its port: the next endpoint can bind it at once.

mod support;

use std::{net::SocketAddr, time::Duration};

use fastn_net::{Config, CustomNetwork, Endpoint, Limits, Network, Protocol, SecretKey, wire::alpn::Alpn};
use support::{
    GENEROUS, USUAL, close, config, echo, endpoint, exchange, incoming, limits, open, open_at, pattern, raw::Frozen,
    read_exact, read_until_error, soon, stream, write_all,
};

const LIMIT: Duration = Duration::from_secs(5);

async fn at(bind: SocketAddr) -> Endpoint {
    at_with(bind, limits()).await
}

async fn at_with(bind: SocketAddr, limits: Limits) -> Endpoint {
    let network = Network::Custom(CustomNetwork { bind: vec![bind], ..CustomNetwork::default() });
    Endpoint::bind(SecretKey::generate(), Config { network, ..config(limits) }).await.expect("the port is free")
}

/// A port that was free a moment ago.
fn free_port(ip: &str) -> SocketAddr {
    let socket = std::net::UdpSocket::bind((ip, 0)).expect("bind");
    socket.local_addr().expect("address")
}

async fn close_and_free(endpoint: &Endpoint) {
    soon(endpoint.close(LIMIT)).await;
    soon(endpoint.ports_released()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_can_be_bound_again_a_hundred_times_in_a_row_while_its_peer_stays() {
    for ip in ["127.0.0.1", "::1"] {
        let bind = free_port(ip);
        let other = at(free_port(ip)).await;
        let _serving = echo(&other, &[Protocol::Http]);
        for _ in 0..50 {
            let mine = at(bind).await;
            let serving = echo(&mine, &[Protocol::Tcp]);
            mine.peer(&other.address()).expect("peer");
            let asked = open(&mine, &other, &Protocol::Http, USUAL).await.expect("stream");
            assert_eq!(exchange(asked, b"hello").await.expect("answer"), b"hello");
            // The peer has one open on the same connection, and holds it.
            let _held = open(&other, &mine, &Protocol::Tcp, USUAL).await.expect("stream");
            close_and_free(&mine).await;
            soon(serving).await.expect("ends with its endpoint");
        }
        close(&[&other]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_peer_does_not_keep_the_port() {
    let bind = free_port("127.0.0.1");
    for _ in 0..2 {
        let mine = at(bind).await;
        let (peer, frozen) = Frozen::start(Alpn::FastnNet, b"\"Tcp\"\n").await;
        let mut stream = open_at(&mine, &peer.address, &Protocol::Tcp, USUAL).await.expect("stream");
        write_all(&mut stream, b"freeze").await.expect("write");
        soon(frozen).await.expect("frozen");
        write_all(&mut stream, b"the rest").await.expect("write");
        stream.finish();
        drop(stream);
        soon(mine.close(Duration::from_millis(100))).await;
        soon(mine.ports_released()).await;
        close_and_free(&at(bind).await).await;
        peer.thaw().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_stream_releases_the_port_and_keeps_its_received_bytes() {
    let bind = free_port("127.0.0.1");
    let other = endpoint().await;
    let theirs = other.listen(None, &[Protocol::Http], false).expect("listen");
    let bytes = pattern(300_000);
    for _ in 0..10 {
        let mine = at(bind).await;
        let listener = mine.listen(None, &[Protocol::Tcp], false).expect("listen");
        mine.peer(&other.address()).expect("peer");
        let guard =
            soon(mine.connect(&mine.peer(&other.address()).expect("peer"), GENEROUS)).await.expect("connection");
        let (mut held, mut there) = stream(&mine, &other, &Protocol::Http, &theirs).await;
        // One that waits in a queue, and one that was finished.
        let mut asked = open(&other, &mine, &Protocol::Tcp, USUAL).await.expect("stream");
        write_all(&mut asked, b"asked").await.expect("write");
        let (mut finished, _finished_there) = stream(&mine, &other, &Protocol::Http, &theirs).await;
        write_all(&mut finished, b"the end").await.expect("write");
        finished.finish();
        let (mut late, _late_there) = stream(&mine, &other, &Protocol::Http, &theirs).await;
        finished.watch_stop();
        held.watch_stop();
        write_all(&mut there, &bytes).await.expect("write");
        let received = || mine.peers().iter().map(|peer| peer.connections[0].stats().bytes_received).sum::<u64>();
        support::until("all has arrived", || received() > 300_000).await;
        let sent = guard.stats();

        soon(mine.close(LIMIT)).await;
        // The caller does not know yet that the connection has ended.
        late.finish();
        for stream in [&mut held, &mut finished, &mut late] {
            stream.detach_from_connection();
        }
        soon(mine.ports_released()).await;
        close_and_free(&at(bind).await).await;

        let (got, error) = read_until_error(&mut held).await;
        assert!(got == bytes, "{} bytes, then {error}", got.len());
        assert_eq!(error.code(), fastn_net::Code::Closed);
        assert_eq!(write_all(&mut held, b"x").await.expect_err("closed").code(), fastn_net::Code::Closed);
        assert_eq!(read_exact(&mut incoming(&listener).await.stream, 5).await.expect("bytes"), b"asked");
        // A guard still has the close reason and the counters of its connection.
        assert_eq!(guard.close_reason().map(|info| (info.code, info.by)), Some((0x103, fastn_net::ClosedBy::Local)));
        assert!(guard.stats().bytes_sent >= sent.bytes_sent && guard.rtt().is_none() && guard.paths().is_empty());
    }
    close(&[&other]).await;
}
