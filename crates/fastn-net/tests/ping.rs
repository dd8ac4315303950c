//! Pings that are not answered in time.

mod support;

use std::time::Duration;

use fastn_net::{Code, wire::alpn::Alpn};
use support::{GENEROUS, close, endpoint_with, limits, raw::Raw, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_without_an_answer_is_err_ping_after_the_ping_timeout_alone() {
    let (none, brief) = (Duration::ZERO, Duration::from_millis(200));
    for (limits, says) in [
        (limits().with_ping_timeout(none), "within 0 ms"),
        (limits().with_ping_timeout(brief), "within 200 ms"),
        (limits().with_ack_timeout(none).with_ping_timeout(brief), "within 200 ms"),
        (limits().with_ack_timeout(brief).with_ping_timeout(none), "within 0 ms"),
        (limits().with_ack_timeout(none).with_ping_timeout(none), "within 0 ms"),
    ] {
        let (a, raw) = (endpoint_with(limits).await, Raw::bind(&[Alpn::FastnNet.as_bytes()]).await);
        let peer = a.peer(&raw.address()).expect("peer");
        let (pinged, silent) = tokio::join!(soon(a.ping(&peer, GENEROUS)), raw.accept());
        let error = pinged.expect_err("no answer");
        assert_eq!(error.code(), Code::Ping, "{error}");
        assert!(error.message().contains(&format!("did not answer a ping {says}")), "{error}");
        drop(silent);
        close(&[&a]).await;
        raw.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_takes_no_longer_than_its_own_limit() {
    let (a, raw) = (endpoint_with(limits()).await, Raw::bind(&[Alpn::FastnNet.as_bytes()]).await);
    let peer = a.peer(&raw.address()).expect("peer");
    let (connected, silent) = tokio::join!(soon(a.connect(&peer, GENEROUS)), raw.accept());
    let error = soon(a.ping(&peer, Duration::from_millis(200))).await.expect_err("no answer");
    assert_eq!(error.code(), Code::Ping, "{error}");
    assert!(error.message().contains(" ms"), "{error}");
    drop((connected, silent));
    close(&[&a]).await;
    raw.close().await;
}
