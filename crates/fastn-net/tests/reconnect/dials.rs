//! Dials: retried until the deadline, and their errors.

use std::{net::SocketAddr, time::Duration};

use fastn_net::{Code, Connect, PeerAddress, PeerState, Protocol, SecretKey, wire::alpn::Alpn};
use futures_util::future::join_all;

use super::{
    ask, at, quick, refuse,
    support::{
        GENEROUS, ONCE, USUAL, close, echo, endpoint, endpoint_with, header, limits, pair, raw::Raw, seconds_dialled,
        soon, until,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_peer_is_dialled_until_the_deadline_and_the_error_says_what_was_tried() {
    let a = endpoint_with(quick()).await;
    let b = endpoint().await;
    let peer = a.peer(&b.address()).expect("peer");
    let options = USUAL.with_timeout(Duration::from_secs(2));
    let error = soon(a.get_stream(&peer, &header(&Protocol::Tcp), options)).await.expect_err("nothing listens");
    assert_eq!(error.code(), Code::Unreachable);
    for part in ["listens for nothing", &b.address().addresses[0].to_string()] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(seconds_dialled(&error) >= options.timeout.as_secs_f64(), "{error}");
    until("no call waits", || peer.status().state == PeerState::Idle).await;
    assert_eq!(peer.status().last_error.expect("error").code(), Code::Unreachable);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_lists_each_address_and_each_reason() {
    let a = endpoint_with(quick()).await;
    let secret = SecretKey::generate();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let silent: Vec<_> = (0..3).map(|_| std::net::UdpSocket::bind(any).expect("bind")).collect();
    let addresses: Vec<SocketAddr> = silent.iter().map(|socket| socket.local_addr().expect("address")).collect();
    let peer = PeerAddress { addresses: addresses.clone(), ..PeerAddress::new(secret.public()) };
    let peer = a.peer(&peer).expect("peer");
    let options = USUAL.with_timeout(Duration::from_secs(3));
    let line = header(&Protocol::Tcp);
    let asked = soon(a.get_stream(&peer, &line, options));
    let starting = async {
        until("two dials have failed", || peer.status().attempts >= 2).await;
        drop(silent);
        at(&secret, addresses[1]).await
    };
    let (asked, b) = tokio::join!(asked, starting);
    let error = asked.expect_err("nothing listens");
    assert_eq!(error.code(), Code::Unreachable, "{error}");
    let (last, earlier) = error.message().split_once("; before that: ").expect("two reasons");
    assert!(last.contains("listens for nothing"), "{error}");
    for address in &addresses {
        assert!(last.contains(&address.to_string()), "{error}");
        assert!(earlier.contains(&format!("{address} did not answer")), "{error}");
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_are_counted() {
    let connect = Connect { retries: Some(2), ..quick().connect };
    let a = endpoint_with(quick().with_connect(connect)).await;
    let b = endpoint().await;
    let peer = a.peer(&b.address()).expect("peer");
    let error = soon(a.get_stream(&peer, &header(&Protocol::Tcp), USUAL)).await.expect_err("nothing listens");
    assert_eq!((error.code(), peer.status().attempts), (Code::Unreachable, 3));
    let error = soon(a.get_stream(&peer, &header(&Protocol::Tcp), ONCE)).await.expect_err("nothing listens");
    assert_eq!((error.code(), peer.status().attempts), (Code::Unreachable, 4));
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_is_shutting_down_until_it_is_gone_and_then_unreachable() {
    let brief = Duration::from_millis(300);
    let (a, b) = pair().await;
    let stranger = endpoint().await;
    echo(&b, &[Protocol::Tcp]);
    let peers = [(&a, a.peer(&b.address()).expect("peer")), (&stranger, stranger.peer(&b.address()).expect("peer"))];
    ask(&a, &peers[0].1).await;
    b.drain();
    for (from, peer) in &peers {
        let options = USUAL.with_timeout(Duration::from_secs(1));
        let drains = soon(from.get_stream(peer, &header(&Protocol::Tcp), options)).await.expect_err("it drains");
        assert_eq!(drains.code(), Code::ShuttingDown, "{drains}");
    }
    close(&[&b]).await;
    for (from, peer) in &peers {
        until("the connection has ended", || peer.connections().is_empty() && peer.connection().is_none()).await;
        let told = || peer.status().last_error.is_some_and(|error| error.code() == Code::ShuttingDown);
        until("the actor knows", told).await;
        let options = USUAL.with_timeout(brief);
        let opened = soon(from.get_stream(peer, &header(&Protocol::Tcp), options)).await.map(drop);
        let connected = soon(from.connect(peer, brief)).await.map(drop);
        let pinged = soon(from.ping(peer, brief)).await.map(drop);
        for result in [opened, connected, pinged] {
            let error = result.expect_err("nothing is there");
            assert_eq!(error.code(), Code::Unreachable, "{error}");
            assert!(!error.message().contains("shutting down"), "{error}");
        }
    }
    close(&[&a, &stranger]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_of_a_call_that_ends_before_its_dial_says_so() {
    let rarely = Duration::from_hours(1000);
    let a = endpoint_with(limits().with_connect(Connect { min_delay: rarely, max_delay: rarely, ..limits().connect }))
        .await;
    let b = endpoint().await;
    let peer = a.peer(&b.address()).expect("peer");
    soon(a.get_stream(&peer, &header(&Protocol::Tcp), ONCE)).await.map(drop).expect_err("nothing listens");
    let error = soon(a.connect(&peer, Duration::from_millis(50))).await.map(drop).expect_err("it backs off");
    assert_eq!(error.code(), Code::Unreachable);
    assert!(error.message().contains("it was not dialled within 50 ms"), "{error}");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_served_once_its_peer_starts_there_or_elsewhere() {
    let a = endpoint_with(quick()).await;
    let secret = SecretKey::generate();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let reserved = std::net::UdpSocket::bind(any).expect("bind");
    let there = reserved.local_addr().expect("address");
    let nowhere = PeerAddress { addresses: vec![there], ..PeerAddress::new(secret.public()) };
    let peer = a.peer(&nowhere).expect("peer");
    let (mut last, places) = (None, [there, any, any]);
    drop(reserved);
    for place in places {
        let waiting = (0..20).map(|_| ask(&a, &peer));
        let starting = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let b = at(&secret, place).await;
            echo(&b, &[Protocol::Tcp]);
            // At another address, one caller must give it. All waiting callers profit.
            a.peer(&b.address()).expect("peer");
            b
        };
        let (_, b) = tokio::join!(join_all(waiting), starting);
        let connection = peer.connection().expect("connection");
        close(&[&b]).await;
        soon(connection.closed()).await;
        last = Some(b);
    }
    close(&[&a, &last.expect("one")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_admit_us_is_not_dialled_again() {
    // An attempt that a busy machine delays must not end early: the next one would be a second dial.
    let connect = Connect { attempt_timeout: GENEROUS, ..quick().connect };
    let a = endpoint_with(quick().with_connect(connect)).await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = a.peer(&raw.address()).expect("peer");
    let _keep = peer.keep().expect("open");
    soon(refuse(&raw)).await;
    until("refused", || peer.status().last_error.is_some_and(|error| error.code() == Code::Unauthorized)).await;
    let again = tokio::time::timeout(Duration::from_millis(500), raw.accept()).await;
    assert!(again.is_err(), "dialled again");
    // A later call fails.
    let line = header(&Protocol::Tcp);
    let (opened, ()) = tokio::join!(soon(a.get_stream(&peer, &line, USUAL)), soon(refuse(&raw)));
    assert_eq!(opened.expect_err("refused").code(), Code::Unauthorized);
    raw.close().await;
    close(&[&a]).await;
}
