//! The defaults of this crate are those of the npm package: src/settings.ts is compared with the same golden file. The defaults of
//! `Limits` are compared in their own module.

use std::time::Duration;

use fastn_net::{
    Config, CustomNetwork, Limits, Network, OpenOptions, Relay,
    tunnel::{Allow, BridgeHttpOptions, BridgeOptions, ExposeHttpOptions, ExposeOptions},
};
use serde_json::{Value, json};

fn ms(time: Duration) -> Value {
    json!(u64::try_from(time.as_millis()).expect("small"))
}

#[test]
fn defaults_of_other_layers_equal_the_golden_file() {
    let golden: Value = serde_json::from_str(include_str!("golden/defaults.json")).expect("golden file");
    assert_eq!(golden["openTimeout"], ms(OpenOptions::default().timeout));
    let tunnels = json!({
        "connectTimeout": ms(ExposeOptions::new(Allow::Public).connect_timeout),
        "responseTimeout": ms(ExposeHttpOptions::new(Allow::Public).response_timeout),
        "flowTimeout": ms(ExposeOptions::new(Allow::Public).flow_timeout),
        "maxConnections": BridgeOptions::default().max_connections,
    });
    assert_eq!(BridgeOptions::default().flow_timeout, ExposeOptions::new(Allow::Public).flow_timeout);
    assert_eq!(golden["tunnels"], tunnels);
    let http = (ExposeHttpOptions::new(Allow::Public).connect_timeout, BridgeHttpOptions::default().max_connections);
    assert_eq!(http, (ExposeOptions::new(Allow::Public).connect_timeout, BridgeOptions::default().max_connections));
    let limits = Limits::default();
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
