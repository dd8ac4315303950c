//! Several tasks poll one object. Each event wakes a task that takes it.

mod support;

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use fastn_net::{Authorize, Config, Endpoint, PeerAddress, Protocol, SecretKey, wire::alpn::Alpn};
use support::{GENEROUS, close, config, echo, endpoint, limits, raw::Raw, soon, until};

/// Lets two tasks poll until each has an item, beside a third that goes away without one. All wait before the first event.
async fn one_each<T: Send + 'static>(
    poll: impl Fn(&mut Context<'_>) -> Poll<T> + Send + Sync + 'static,
    mut event: impl AsyncFnMut(),
) -> [T; 2] {
    let (poll, waiting) = (Arc::new(poll), Arc::new(AtomicUsize::new(0)));
    let spawn = || {
        let (poll, waiting) = (poll.clone(), waiting.clone());
        tokio::spawn(poll_fn(move |cx| {
            let polled = poll(cx);
            if polled.is_pending() {
                waiting.fetch_add(1, Ordering::SeqCst);
            }
            polled
        }))
    };
    let tasks = [spawn(), spawn()];
    until("two wait", || waiting.load(Ordering::SeqCst) == 2).await;
    let gone = spawn();
    until("three wait", || waiting.load(Ordering::SeqCst) == 3).await;
    gone.abort();
    assert!(gone.await.is_err_and(|error| error.is_cancelled()));
    event().await;
    until("one has its item", || tasks.iter().any(tokio::task::JoinHandle::is_finished)).await;
    event().await;
    let [one, other] = tasks;
    [soon(one).await.expect("task"), soon(other).await.expect("task")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_wakes_a_task_that_accepts_it() {
    let server = endpoint().await;
    echo(&server, &[Protocol::Tcp]);
    let connections = server.listen_connections().expect("connections");
    let mut peers = Vec::new();
    let accepted = one_each(
        move |cx| connections.poll_accept(cx),
        async || {
            let raw = Raw::bind(&[]).await;
            let connection = raw.dial(&server, Alpn::FastnNet).await;
            peers.push((raw, connection));
        },
    );
    let mut accepted = accepted.await.map(|guard| guard.expect("connection").remote());
    accepted.sort();
    let mut dialled: Vec<_> = peers.iter().map(|(raw, _)| raw.id()).collect();
    dialled.sort();
    assert_eq!(accepted[..], dialled);
    close(&[&server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_wakes_a_task_that_watches() {
    let endpoint = endpoint().await;
    let watch = endpoint.watch().expect("watch");
    let mut peers = Vec::new();
    let changes = one_each(
        move |cx| watch.poll_change(cx),
        async || {
            let id = SecretKey::generate().public();
            peers.push((id, endpoint.peer(&PeerAddress::new(id)).expect("peer")));
        },
    );
    for change in changes.await {
        let info = change.expect("change");
        assert!(info.tracked && peers.iter().any(|(id, _)| *id == info.id));
    }
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_authorization_request_wakes_a_task_that_takes_it() {
    let rules = Authorize { peer: true, stream: false, timeout: GENEROUS, max_pending: 64, max_pending_per_peer: 16 };
    let config = Config { authorize: Some(rules), ..config(limits()) };
    let server = Endpoint::bind(SecretKey::generate(), config).await.expect("bind");
    echo(&server, &[Protocol::Tcp]);
    let requests = server.authorization_requests().expect("requests");
    let mut peers = Vec::new();
    let asked = one_each(
        move |cx| requests.poll_take(cx, 1),
        async || {
            let raw = Raw::bind(&[]).await;
            let connection = raw.dial(&server, Alpn::FastnNet).await;
            peers.push((raw, connection));
        },
    );
    let mut asked = asked.await.map(|asked| asked.expect("open")[0].peer);
    asked.sort();
    let mut dialled: Vec<_> = peers.iter().map(|(raw, _)| raw.id()).collect();
    dialled.sort();
    assert_eq!(asked[..], dialled);
    close(&[&server]).await;
}
