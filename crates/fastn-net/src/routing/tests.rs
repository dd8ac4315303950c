use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::*;
use crate::{
    authorization::Authorization,
    config::{Config, Network},
    error::Code,
    identity::SecretKey,
    protocol::Protocol,
};

const LIMITS: QueueLimits = QueueLimits { total: 2, per_peer: 2 };

fn router() -> Arc<Router> {
    Arc::new(Router::new(Arc::new(Authorization::new(&Config::new(Network::Loopback)))))
}

#[test]
fn a_draining_listener_ends_when_the_last_permit_is_released() {
    let router = router();
    let listener = router.listen(None, &[Protocol::Tcp], false, AckMode::Automatic, LIMITS).expect("listen");
    let peer = SecretKey::generate().public();
    let permit = listener.queue().try_reserve(peer).expect("open").expect("free");
    router.close();
    assert!(listener.queue().try_reserve(peer).is_err());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(listener.poll_accept(&mut cx, 1).is_pending());
    drop(permit);
    let Poll::Ready(Err(error)) = listener.poll_accept(&mut cx, 1) else { panic!("no stream can come") };
    assert_eq!(error.code(), Code::Closed);
}

#[test]
fn closed_connections_leave_no_listener_behind() {
    let router = router();
    let _everyone = router.listen(None, &[Protocol::Tcp], false, AckMode::Automatic, LIMITS).expect("listen");
    let mut cx = Context::from_waker(Waker::noop());
    for connection in 0..200 {
        let listener = router
            .listen(Some(connection), &[Protocol::Tcp, Protocol::Http], true, AckMode::Automatic, LIMITS)
            .expect("listen");
        assert!(listener.poll_accept(&mut cx, 1).is_pending());
        router.connection_ended(connection);
        let Poll::Ready(Err(error)) = listener.poll_accept(&mut cx, 1) else { panic!("no stream can come") };
        assert_eq!(error.code(), Code::Closed);
    }
    assert_eq!(router.counts(), (0, 1, 1));
}

#[tokio::test]
async fn a_released_permit_goes_to_one_waiter_below_its_peers_limit() {
    let router = router();
    let limits = QueueLimits { total: 3, per_peer: 2 };
    let listener = router.listen(None, &[Protocol::Tcp], false, AckMode::Automatic, limits).expect("listen");
    let [greedy, other, third] = [0; 3].map(|_| SecretKey::generate().public());
    let queue = listener.queue();
    let reserve = |peer| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.reserve(peer).await.expect("open") })
    };
    let held = [reserve(greedy).await.expect("task"), reserve(greedy).await.expect("task")];
    let of_other = reserve(other).await.expect("task");
    let (mut first, mut second) = (reserve(greedy), reserve(greedy));
    tokio::task::yield_now().await;
    let gone = reserve(third);
    tokio::task::yield_now().await;
    let last = reserve(third);
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.expect_err("aborted").is_cancelled());
    // The greedy peer came first, and is at its limit.
    drop(of_other);
    let of_third = last.await.expect("task");
    assert!(still_waits(&mut first).await && still_waits(&mut second).await);
    let [one, two] = held;
    drop(one);
    let of_first = (&mut first).await.expect("task");
    assert!(still_waits(&mut second).await, "one permit, one stream");
    drop((two, of_first));
    second.await.expect("task");
    drop(of_third);
    assert!(queue.try_reserve(other).expect("open").is_some());
}

/// Whether the task is unfinished after other tasks had their turns.
async fn still_waits<T>(task: &mut tokio::task::JoinHandle<T>) -> bool {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    !task.is_finished()
}
