//! The defaults of this crate are those of the npm package: src/settings.ts is compared with the same golden file.

use std::time::Duration;

use fastn_net::{Authorize, Config, CustomNetwork, Limits, Network, OpenOptions, Relay};
use serde_json::{Value, json};

fn ms(time: Duration) -> Value {
    json!(u64::try_from(time.as_millis()).expect("small"))
}

#[test]
fn defaults_equal_the_golden_file() {
    let (limits, authorize) = (Limits::default(), Authorize::default());
    let defaults = json!({
        "openTimeout": ms(OpenOptions::default().timeout),
        "ackTimeout": ms(limits.ack_timeout),
        "headerTimeout": ms(limits.header_timeout),
        "pingTimeout": ms(limits.ping_timeout),
        "idleTimeout": ms(limits.idle_timeout),
        "maxHeaderBytes": limits.max_header_bytes,
        "receiveWindow": limits.receive_window,
        "receiveWindowPerPeer": limits.receive_window_per_peer,
        "maxStreams": limits.max_streams,
        "maxStreamsPerPeer": limits.max_streams_per_peer,
        "maxStreamsTotal": limits.max_streams_total,
        "maxConnections": limits.max_connections,
        "maxConnectionsPerPeer": limits.max_connections_per_peer,
        "maxQueuedStreams": limits.max_queued_streams,
        "maxQueuedStreamsPerPeer": limits.max_queued_streams_per_peer,
        "connect": {
            "minDelay": ms(limits.connect.min_delay),
            "maxDelay": ms(limits.connect.max_delay),
            "attemptTimeout": ms(limits.connect.attempt_timeout),
        },
        "authorize": {
            "timeout": ms(authorize.timeout),
            "maxPending": authorize.max_pending,
            "maxPendingPerPeer": authorize.max_pending_per_peer,
        },
    });
    let golden: Value = serde_json::from_str(include_str!("golden/defaults.json")).expect("golden file");
    assert_eq!(defaults, golden);
    assert_eq!((limits.connect.retries, limits.stream_rate), (None, None));
    assert_eq!(Config::default().limits, limits);
}

#[test]
fn open_options_wait_for_the_ack_and_retry_by_default() {
    let OpenOptions { has_extra, await_ack, retry, .. } = OpenOptions::default();
    assert_eq!((has_extra, await_ack, retry), (false, true, true));
}

#[test]
fn fields_can_be_assigned_and_chained() {
    let mut assigned = Limits::default();
    assigned.max_connections = 7;
    assigned.idle_timeout = Duration::from_secs(3);
    assert_eq!(assigned, Limits::default().with_max_connections(7).with_idle_timeout(Duration::from_secs(3)));
}

#[test]
fn debug_output_of_a_configuration_has_no_relay_token() {
    let url = "https://relay.example".parse().expect("URL");
    let relays = vec![Relay { url, token: Some("open sesame".to_owned()) }];
    let text = format!("{:?}", Config::new(Network::Custom(CustomNetwork { relays, ..CustomNetwork::default() })));
    assert!(text.contains("relay.example") && !text.contains("sesame"), "{text}");
}
