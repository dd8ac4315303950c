//! Another key answers at a given address of a peer.

mod support;

use std::time::{Duration, Instant};

use fastn_net::{Code, Config, CustomNetwork, Endpoint, Network, PeerAddress, Protocol, SecretKey};
use support::{ANY, USUAL, close, config, echo, endpoint, exchange, header, limits, open_at, seconds_dialled, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_at_the_only_address_fails_at_once() {
    let (a, other) = (endpoint().await, endpoint().await);
    echo(&other, &[Protocol::Tcp]);
    let wanted = PeerAddress { id: SecretKey::generate().public(), ..other.address() };
    let started = Instant::now();
    let error = open_at(&a, &wanted, &Protocol::Tcp, USUAL).await.expect_err("another key");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(error.code(), Code::Unreachable);
    let address = wanted.addresses[0].to_string();
    for part in ["another peer, with another key, answers", &address, "out of date"] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    // A new address is tried at once.
    let secret = SecretKey::generate();
    let wanted = PeerAddress { id: secret.public(), ..other.address() };
    open_at(&a, &wanted, &Protocol::Tcp, USUAL).await.expect_err("another key");
    let network = Network::Custom(CustomNetwork { bind: vec![ANY], ..CustomNetwork::default() });
    let b = Endpoint::bind(secret, Config { network, ..config(limits()) }).await.expect("bind");
    echo(&b, &[Protocol::Tcp]);
    close(&[&other]).await;
    let stream = open_at(&a, &b.address(), &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_at_one_of_two_addresses_is_retried_until_the_deadline() {
    let (a, other) = (endpoint().await, endpoint().await);
    echo(&other, &[Protocol::Tcp]);
    let silent = std::net::UdpSocket::bind(ANY).expect("bind");
    let mut wanted = PeerAddress { id: SecretKey::generate().public(), ..other.address() };
    wanted.addresses.push(silent.local_addr().expect("address"));
    let peer = a.peer(&wanted).expect("peer");
    let options = USUAL.with_timeout(Duration::from_secs(2));
    let started = Instant::now();
    let error = soon(a.get_stream(&peer, &header(&Protocol::Tcp), options)).await.expect_err("another key");
    assert!(started.elapsed() >= options.timeout, "{:?}", started.elapsed());
    assert_eq!(error.code(), Code::Unreachable);
    assert!(error.message().contains("another peer, with another key"), "{error}");
    assert!(seconds_dialled(&error) >= options.timeout.as_secs_f64(), "{error}");
    close(&[&a, &other]).await;
}
