//! The metrics text of an endpoint.

mod support;

use std::time::Duration;

use support::{GENEROUS, LATER, USUAL, close, generic, open, pair, soon, until, write_all};

use fastn_net::{Endpoint, PeerAddress};

/// The value of a sample, by its name and labels.
fn sample(endpoint: &Endpoint, name: &str) -> f64 {
    let text = endpoint.metrics();
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

fn is(endpoint: &Endpoint, name: &str, value: f64) -> bool {
    (sample(endpoint, name) - value).abs() < f64::EPSILON
}

#[tokio::test]
async fn streams_and_connections_are_counted_from_both_sides() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[generic("Echo")], false).expect("listen");
    let mut streams = Vec::new();
    for options in [USUAL, LATER, USUAL] {
        streams.push(open(&a, &b, &generic("Echo"), options).await.expect("open"));
        streams.last_mut().expect("stream").try_flush();
        streams.push(soon(listener.accept()).await.expect("accept").stream);
    }
    for (endpoint, direction, streams) in [(&a, "dialled", "opened"), (&b, "accepted", "accepted")] {
        assert!(is(endpoint, &format!("fastn_net_connections{{direction=\"{direction}\"}}"), 1.0));
        assert!(is(endpoint, &format!("fastn_net_connections_opened_total{{direction=\"{direction}\"}}"), 1.0));
        assert!(is(endpoint, &format!("fastn_net_streams_{streams}_total"), 3.0));
        assert!(is(endpoint, "fastn_net_streams", 3.0));
        assert!(sample(endpoint, "fastn_net_sent_bytes_total") > 1000.0);
        assert!(sample(endpoint, "fastn_net_received_bytes_total") > 1000.0);
    }
    assert!(is(&a, "fastn_net_dials_total", 1.0));
    assert!(is(&a, "fastn_net_ack_seconds_count", 2.0), "only acknowledgements that a caller waits for are timed");
    assert!(is(&a, "fastn_net_ack_seconds_bucket{le=\"+Inf\"}", 2.0));

    drop(streams);
    for endpoint in [&a, &b] {
        until("no stream is open", || is(endpoint, "fastn_net_streams", 0.0)).await;
    }
    let sent = sample(&a, "fastn_net_sent_bytes_total");
    close(&[&a]).await;
    assert!(is(&a, "fastn_net_connections{direction=\"dialled\"}", 0.0));
    assert!(is(&a, "fastn_net_connections_closed_total{by=\"local\",reason=\"shutdown\"}", 1.0));
    assert!(sample(&a, "fastn_net_sent_bytes_total") >= sent, "a connection that ends leaves its bytes");
    let told = "fastn_net_connections_closed_total{by=\"peer\",reason=\"shutdown\"}";
    until("the peer learns why", || is(&b, told, 1.0)).await;
    close(&[&b]).await;
}

#[tokio::test]
async fn refusals_are_counted_at_both_sides() {
    let (a, b) = pair().await;
    let _listener = b.listen(None, &[generic("Echo")], false).expect("listen");
    open(&a, &b, &generic("Other"), USUAL).await.expect_err("no listener");
    assert!(is(&a, "fastn_net_refusals_received_total{code=\"unsupported\"}", 1.0));
    assert!(is(&b, "fastn_net_refusals_sent_total{code=\"unsupported\"}", 1.0));
    close(&[&a, &b]).await;
}

#[tokio::test]
async fn a_queued_stream_that_is_refused_was_not_accepted() {
    let (a, b) = pair().await;
    let pending = b.listen_pending(None, &[generic("Ask")], false).expect("listen");
    let listener = b.listen(None, &[generic("Echo")], false).expect("listen");
    let ask = generic("Ask");
    let accept = async { soon(pending.accept()).await.expect("stream").accept() };
    let (opened, accepted) = tokio::join!(open(&a, &b, &ask, USUAL), accept);
    let opened = opened.expect("accepted");
    assert!(is(&b, "fastn_net_streams_accepted_total", 1.0) && is(&b, "fastn_net_streams", 1.0));
    let refuse = async { soon(pending.accept()).await.expect("stream").refuse("busy", "not now") };
    let (refused, ()) = tokio::join!(open(&a, &b, &ask, USUAL), refuse);
    refused.expect_err("refused");
    assert!(is(&b, "fastn_net_streams_accepted_total", 1.0) && is(&b, "fastn_net_streams", 1.0));
    drop((opened, accepted));
    until("no stream is open", || is(&b, "fastn_net_streams", 0.0)).await;
    // The ack of a stream with payload waits until the program takes the stream.
    let mut opened = open(&a, &b, &generic("Echo"), LATER).await.expect("open");
    write_all(&mut opened, b"hello").await.expect("write");
    let accepted = soon(listener.accept()).await.expect("stream");
    assert!(is(&b, "fastn_net_streams_accepted_total", 2.0) && is(&b, "fastn_net_streams", 1.0));
    // Or, at the latest, until the queue ends.
    let mut queued = open(&a, &b, &generic("Echo"), LATER).await.expect("open");
    write_all(&mut queued, b"hello").await.expect("write");
    until("it is acknowledged", || is(&b, "fastn_net_streams_accepted_total", 3.0)).await;
    assert!(is(&b, "fastn_net_streams", 2.0));
    drop((opened, accepted, queued, listener));
    until("no stream is open", || is(&b, "fastn_net_streams", 0.0)).await;
    close(&[&a, &b]).await;
}

#[tokio::test]
async fn pings_are_timed() {
    let (a, b) = pair().await;
    let _listener = b.listen(None, &[generic("Echo")], false).expect("listen");
    let peer = a.peer(&b.address()).expect("peer");
    let time = soon(a.ping(&peer, GENEROUS)).await.expect("ping");
    assert!(is(&a, "fastn_net_ping_seconds_count", 1.0));
    assert!((sample(&a, "fastn_net_ping_seconds_sum") - time.as_secs_f64()).abs() < 1e-6);
    close(&[&a, &b]).await;
}

#[tokio::test]
async fn a_dial_that_fails_counts_with_its_code() {
    let (a, b) = pair().await;
    let gone = b.address();
    close(&[&b]).await;
    let connect = async {
        let peer = a.peer(&PeerAddress::new(gone.id)).expect("peer");
        let _ = a.connect(&peer, Duration::from_millis(500)).await;
    };
    soon(connect).await;
    until("the dial has failed", || sample(&a, "fastn_net_dials_failed_total{code=\"ERR_UNREACHABLE\"}") >= 1.0).await;
    close(&[&a]).await;
}
