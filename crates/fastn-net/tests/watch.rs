//! Snapshots of the peers, and their changes.

mod support;

use std::time::Duration;

use fastn_net::{Code, Endpoint, PeerInfo, PeerState, Watch};
use support::{GENEROUS, USUAL, close, endpoint, endpoint_with, generic, introduce, limits, open, pair, soon, until};

/// Takes changes until one matches.
async fn change(watch: &Watch, is: impl Fn(&PeerInfo) -> bool) -> PeerInfo {
    soon(async {
        loop {
            let info = watch.changed().await.expect("the endpoint is open");
            if is(&info) {
                return info;
            }
        }
    })
    .await
}

async fn connect(from: &Endpoint, to: &Endpoint) {
    let peer = from.peer(&to.address()).expect("peer");
    drop(soon(from.connect(&peer, GENEROUS)).await.expect("connect"));
}

#[tokio::test]
async fn a_watch_yields_each_known_peer_and_then_each_change() {
    let (a, b) = pair().await;
    let _listener = b.listen(None, &[generic("Echo")], false).expect("listen");
    let watch = a.watch().expect("watch");
    let first = soon(watch.changed()).await.expect("change");
    assert_eq!((first.id, first.tracked, first.status.state), (b.id(), true, PeerState::Idle));
    let stream = open(&a, &b, &generic("Echo"), USUAL).await.expect("open");
    let there = change(&watch, |info| info.status.state == PeerState::Connected).await;
    assert!(there.preferred && there.connections[0].is_dialled());
    drop(stream);
    close(&[&b]).await;
    let lost = change(&watch, |info| info.status.state != PeerState::Connected).await;
    assert!(lost.connections.is_empty() && !lost.preferred);
    close(&[&a]).await;
}

#[tokio::test]
async fn closing_reports_every_peer_as_gone_and_ends_the_watch() {
    let (a, b) = pair().await;
    let _listener = b.listen(None, &[generic("Echo")], false).expect("listen");
    connect(&a, &b).await;
    let watch = a.watch().expect("watch");
    change(&watch, |info| info.status.state == PeerState::Connected).await;
    close(&[&a]).await;
    let gone = change(&watch, |info| !info.tracked).await;
    assert_eq!(gone.id, b.id());
    assert_eq!(soon(watch.changed()).await.expect_err("it is closed").code(), Code::Closed);
    assert_eq!(a.watch().expect_err("it is closed").code(), Code::Closed);
    assert!(a.peers().is_empty());
    close(&[&b]).await;
}

#[tokio::test]
async fn a_watcher_that_never_reads_keeps_nothing_of_forgotten_peers() {
    let server = endpoint_with(limits().with_idle_timeout(Duration::from_millis(50))).await;
    let _listener = server.listen(None, &[generic("Echo")], false).expect("listen");
    let (slow, fast) = (server.watch().expect("watch"), server.watch().expect("watch"));
    for _ in 0..12 {
        let client = endpoint().await;
        connect(&client, &server).await;
        change(&fast, |info| info.id == client.id() && info.status.state == PeerState::Connected).await;
        assert!(slow.waiting() <= server.peers().len());
        close(&[&client]).await;
    }
    until("every peer was let go", || server.peers().is_empty()).await;
    assert_eq!(slow.waiting(), 0);
    until("a watcher that saw the peers sees their end", || fast.waiting() > 0).await;
    assert!(!soon(fast.changed()).await.expect("change").tracked);
    close(&[&server]).await;
}

#[tokio::test]
async fn earlier_connections_are_watched_like_later_ones() {
    let (a, b) = (endpoint().await, endpoint().await);
    introduce(&a, &b);
    let _listener = b.listen(None, &[generic("Echo")], false).expect("listen");
    connect(&a, &b).await;
    for _ in 0..3 {
        let watch = a.watch().expect("watch");
        let info = change(&watch, |info| info.status.state == PeerState::Connected).await;
        assert_eq!(info.connections.len(), 1);
        drop(watch);
    }
    // Tasks that watch paths must not delay the close.
    let watch = a.watch().expect("watch");
    close(&[&a]).await;
    while soon(watch.changed()).await.is_ok() {}
    close(&[&b]).await;
}
