//! Defaults of options, and how options are set.

use std::time::Duration;

use fastn_net::{
    Config, CustomNetwork, Limits, Network, OpenOptions, Relay,
    tunnel::{Allow, BridgeHttpOptions, BridgeOptions, ExposeHttpOptions, ExposeOptions, HostHeader},
};

#[test]
fn kinds_of_tunnels_share_their_defaults() {
    let (expose, expose_http) = (ExposeOptions::new(Allow::Public), ExposeHttpOptions::new(Allow::Public));
    let (bridge, bridge_http) = (BridgeOptions::default(), BridgeHttpOptions::default());
    assert_eq!(bridge.flow_timeout, expose.flow_timeout);
    assert_eq!(expose_http.connect_timeout, expose.connect_timeout);
    assert_eq!(bridge_http.max_connections, bridge.max_connections);
    assert_eq!((bridge_http.open_timeout, bridge.open_timeout), (bridge.open_timeout, OpenOptions::default().timeout));
}

#[test]
fn options_of_tunnels_are_set_by_name() {
    let mut expose = ExposeHttpOptions::new(Allow::Public);
    assert!(
        expose.set("hostHeader", "target") && expose.set("service", "web") && expose.set("responseTimeout", 1500.0)
    );
    assert!(!expose.set("service", 1.0) && !expose.set("responseTimeout", "1500") && !expose.set("flowTimeout", 1.0));
    let given = ExposeHttpOptions::new(Allow::Public).with_service("web").with_host_header(HostHeader::Target);
    assert_eq!(expose, given.with_response_timeout(Duration::from_millis(1500)));
}

#[test]
fn an_endpoint_without_limits_has_the_default_ones() {
    assert_eq!((Limits::default().connect.retries, Limits::default().stream_rate), (None, None));
    assert_eq!(Config::default().limits, Limits::default());
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
