//! A peer that crashes and restarts with the same key, unnoticed by its peers.

mod support;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use fastn_net::{Code, Config, CustomNetwork, Endpoint, Network, Peer, Protocol, SecretKey};
use support::{
    ANY, GENEROUS, LATER, USUAL, close, config, echo, endpoint, exchange, header, limits, once_within, soon, until,
    write_all,
};
use tokio::runtime::Runtime;

/// Limit of the first request's time after a restart.
const SAME_PORT: Duration = Duration::from_secs(1);
const OTHER_PORT: Duration = Duration::from_millis(1500);

/// An endpoint on its own runtime, which a test can shut down: its sockets close, and its peers are not notified.
struct CrashableEndpoint {
    runtime: Option<Runtime>,
    endpoint: Endpoint,
}

impl CrashableEndpoint {
    async fn start(secret: &SecretKey, bind: SocketAddr) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
        let network = Network::Custom(CustomNetwork { bind: vec![bind], ..CustomNetwork::default() });
        let secret = secret.clone();
        let bound = runtime.spawn(async move {
            loop {
                match Endpoint::bind(secret.clone(), Config { network: network.clone(), ..config(limits()) }).await {
                    Ok(endpoint) => {
                        echo(&endpoint, &[Protocol::Tcp]);
                        return endpoint;
                    }
                    // The system gives the port back a moment later.
                    Err(error) => assert_eq!(error.code(), Code::Bind),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let endpoint = soon(bound).await.expect("bound");
        Self { runtime: Some(runtime), endpoint }
    }

    async fn crash(mut self) {
        let runtime = self.runtime.take().expect("once");
        let down = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(5)));
        soon(down).await.expect("down");
    }
}

async fn ask(from: &Endpoint, to: &Peer) {
    let stream = soon(from.get_stream(to, &header(&Protocol::Tcp), USUAL)).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
}

/// Crashes a connected peer, starts it again, and returns the duration of the first request.
async fn restarted(moves: bool, asks: impl AsyncFn(&Endpoint, &Peer)) -> Duration {
    let (a, secret) = (endpoint().await, SecretKey::generate());
    let b = CrashableEndpoint::start(&secret, ANY).await;
    let peer = a.peer(&b.endpoint.address()).expect("peer");
    ask(&a, &peer).await;
    let there = b.endpoint.bound_sockets()[0];
    let place = if moves { ANY } else { there };
    b.crash().await;
    let b = CrashableEndpoint::start(&secret, place).await;
    assert_eq!(b.endpoint.bound_sockets()[0] != there, moves);
    let started = Instant::now();
    // As a caller that knows the new address.
    let peer = a.peer(&b.endpoint.address()).expect("peer");
    asks(&a, &peer).await;
    let took = started.elapsed();
    close(&[&a]).await;
    b.crash().await;
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_answered_soon_after_a_restart_there_or_elsewhere() {
    for _ in 0..5 {
        for (moves, limit) in [(false, SAME_PORT), (true, OTHER_PORT)] {
            once_within(limit, async || restarted(moves, ask).await).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_and_a_connect_succeed_soon_after_a_restart() {
    for (moves, limit) in [(false, SAME_PORT), (true, OTHER_PORT)] {
        let ping = async |a: &Endpoint, peer: &Peer| {
            soon(a.ping(peer, GENEROUS)).await.expect("pong");
        };
        once_within(limit, async || restarted(moves, ping).await).await;
        let connect = async |a: &Endpoint, peer: &Peer| {
            let guard = soon(a.connect(peer, GENEROUS)).await.expect("connection");
            soon(guard.ping()).await.expect("pong");
        };
        once_within(limit, async || restarted(moves, connect).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_written_to_a_crashed_peer_are_lost_soon_and_never_resent() {
    let write = async |a: &Endpoint, peer: &Peer| {
        let mut stream = soon(a.get_stream(peer, &header(&Protocol::Tcp), LATER)).await.expect("stream");
        write_all(&mut stream, b"once").await.expect("write");
        tokio::time::sleep(Duration::from_millis(250)).await;
        stream.report_late_ack();
        let error = support::read_until_error(&mut stream).await.1;
        assert_eq!(error.code(), Code::ConnectionLost, "{error}");
        assert!(!stream.may_be_sent_again());
    };
    once_within(SAME_PORT, async || restarted(false, write).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_with_an_extra_line_is_lost_soon_and_never_sent_again() {
    let open = async |a: &Endpoint, peer: &Peer| {
        let line = [header(&Protocol::Tcp), b"extra\n".to_vec()].concat();
        let options = USUAL.with_extra(true);
        let error = soon(a.get_stream(peer, &line, options)).await.expect_err("lost");
        assert_eq!(error.code(), Code::ConnectionLost, "{error}");
    };
    once_within(SAME_PORT, async || restarted(false, open).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_of_a_peer_that_answers_changes_nothing() {
    let (a, b) = (endpoint().await, endpoint().await);
    echo(&b, &[Protocol::Tcp]);
    let peer = a.peer(&b.address()).expect("peer");
    ask(&a, &peer).await;
    let connection = peer.connection().expect("connection").id();
    for port in 1..20 {
        let mut address = b.address();
        address.addresses = vec![SocketAddr::from(([127, 0, 0, 1], port))];
        a.peer(&address).expect("peer");
        ask(&a, &peer).await;
    }
    until("it is checked", || peer.connection().is_some()).await;
    assert_eq!(peer.connection().expect("connection").id(), connection);
    assert_eq!(peer.connections().len(), 1);
    close(&[&a, &b]).await;
}
