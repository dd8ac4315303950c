//! Cases that need more than the public API: an actor that panics, time limits of any length, access that changes midway.

use std::{sync::Arc, time::Duration};

use super::Endpoint;
use crate::{
    config::{AccessLists, Config, Connect, Limits, Network, PeerAddress},
    error::Code,
    identity::SecretKey,
    peer::{Message, PeerState, Tries},
    protocol::Protocol,
    stream::OpenOptions,
};

const LIMIT: Duration = Duration::from_secs(10);

fn limits(time: Duration) -> Limits {
    Limits {
        connect: Connect { retries: None, min_delay: time, max_delay: time, attempt_timeout: time },
        ack_timeout: time,
        header_timeout: time,
        ping_timeout: time,
        idle_timeout: time,
        max_connections: 100,
        ..Limits::default()
    }
}

async fn endpoint(time: Duration) -> Endpoint {
    let config = Config {
        network: Network::Loopback,
        peers: Vec::new(),
        kulfi: false,
        access: AccessLists::default(),
        authorize: None,
        limits: limits(time),
    };
    Endpoint::bind(SecretKey::generate(), config).await.expect("bind")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_panics_is_replaced_and_counted() {
    let (a, b) = (endpoint(LIMIT).await, endpoint(LIMIT).await);
    let _listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let peer = a.peer(&b.address()).expect("peer");
    let keep = peer.keep().expect("open");
    a.ping(&peer, LIMIT).await.expect("pong");
    let connection = peer.connection().expect("connection");
    peer.tell(Message::Panic);
    // The peer sees the connection close, and the next call works.
    assert_eq!(
        tokio::time::timeout(LIMIT, connection.closed()).await.expect("closed").by,
        crate::connection::ClosedBy::Local
    );
    a.ping(&peer, LIMIT).await.expect("pong");
    assert_ne!(peer.connection().expect("connection").id(), connection.id());
    assert!(a.metrics().contains("fastn_net_actor_panics_total 1\n"), "{}", a.metrics());
    assert!(peer.status().kept, "it is kept as before");
    drop(keep);
    assert!(a.close(LIMIT).await.is_clean() && b.close(LIMIT).await.is_clean());
    assert_eq!(peer.connect(Tries::new(None, true)).await.expect_err("closed").code(), Code::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_fails_with_an_internal_error_if_the_actor_panics() {
    let a = endpoint(LIMIT).await;
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
    let absent = PeerAddress::new(SecretKey::generate().public());
    let absent = PeerAddress { addresses: vec![silent.local_addr().expect("address")], ..absent };
    let peer = a.peer(&absent).expect("peer");
    let waiting = peer.clone();
    let waiting = tokio::spawn(async move { waiting.connect(Tries::new(None, true)).await });
    while peer.status().state != PeerState::Dialling {
        tokio::task::yield_now().await;
    }
    peer.tell(Message::Panic);
    let error = tokio::time::timeout(LIMIT, waiting).await.expect("told").expect("no panic").expect_err("failed");
    assert_eq!(error.code(), Code::Internal, "{error}");
    peer.tell(Message::Panic);
    a.close(LIMIT).await;
    let weak = Arc::downgrade(&peer);
    drop(peer);
    for _ in 0..1000 {
        if weak.upgrade().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("its actor outlives the endpoint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_peer_was_denied_before_it_was_queued_is_refused_as_unauthorized() {
    let (a, b) = (endpoint(LIMIT).await, endpoint(LIMIT).await);
    let _listener = b.listen_pending(None, &[Protocol::Tcp], false).expect("listen");
    let peer = a.peer(&b.address()).expect("peer");
    let opening = a.clone();
    let opening = tokio::spawn(async move { opening.open(&peer, &Protocol::Tcp, None, OpenOptions::default()).await });
    let (permit, incoming) = loop {
        if let Some(queued) = b.inner().router.take_all().pop() {
            break queued;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    // The connection stays open, so that the peer gets the refusal.
    let access = b.inner().authorization.access();
    access.change(|lists| lists.deny(a.id()));
    assert!(permit.enqueue(incoming, access.epoch()).is_none());
    let refused = tokio::time::timeout(LIMIT, opening).await.expect("told").expect("no panic").expect_err("denied");
    assert_eq!(refused.code(), Code::Unauthorized, "{refused}");
    a.close(LIMIT).await;
    b.close(LIMIT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_limits_of_any_length_are_accepted() {
    for time in [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(1 << 34)] {
        let (a, b) = (endpoint(time).await, endpoint(time).await);
        let peer = a.peer(&b.address()).expect("peer");
        // Nothing listens: the first dial fails, and the next waits for its delay.
        let refused = peer.connect(Tries::new(Some(0), true)).await.expect_err("nothing listens");
        assert_eq!(refused.code(), Code::Unreachable, "{refused}");
        let _listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
        let back = b.peer(&a.address()).expect("peer");
        let _listener = a.listen(None, &[Protocol::Tcp], false).expect("listen");
        b.ping(&back, time).await.expect("pong");
        a.ping(&peer, time).await.expect("pong");
        assert!(!a.metrics().contains("actor_panics_total 1"), "{}", a.metrics());
        assert!(a.close(LIMIT).await.is_clean() && b.close(LIMIT).await.is_clean());
    }
}

#[tokio::test]
async fn a_check_does_not_count_the_time_in_which_this_process_did_not_run() {
    let (a, b) = (endpoint(LIMIT).await, endpoint(LIMIT).await);
    let _listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let peer = a.peer(&b.address()).expect("peer");
    a.ping(&peer, LIMIT).await.expect("pong");
    let connection = peer.connection().expect("connection");
    let limit = Duration::from_secs(1);
    let (responds, ()) = tokio::join!(connection.responds_within(limit), async {
        // Blocks the only thread, so that neither peer runs.
        std::thread::sleep(limit * 2);
    });
    assert!(responds);
    a.close(LIMIT).await;
    b.close(LIMIT).await;
}
