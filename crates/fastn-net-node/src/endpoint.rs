//! Endpoints: bind, addresses, close.

use std::{mem::take, net::SocketAddr};

use fastn_net::{Code, Config, CustomNetwork, Endpoint, Error, Limits, Network, PeerAddress, Relay, Result, SecretKey};
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, milliseconds, with_endpoint},
    bridge::{Environment, Outcome, close_before_exit, start},
    guard::BindingGuardOptions,
    options::{BindingOptions, set_options},
    peer::BindingPeer,
};

/// A relay and its token.
#[napi(object, use_nullable = true)]
pub struct BindingRelay {
    /// Its URL.
    pub url: String,
    /// Its access token.
    pub token: Option<String>,
}

/// Configuration of an endpoint. TypeScript supplies the defaults of all fields but `connect` and `limits`.
#[napi(object, use_nullable = true)]
pub struct BindingEndpointOptions {
    /// `internet`, `lan`, `loopback` or `custom`; the fields up to `bind` are for `custom`.
    pub network: String,
    /// The user's own relays.
    pub relays: Option<Vec<BindingRelay>>,
    /// Origin domain for look-up by DNS.
    pub dns_origin: Option<String>,
    /// `ip:port` of the DNS server to ask.
    pub dns_server: Option<String>,
    /// URL of the pkarr relay.
    pub pkarr: Option<String>,
    /// Look-up by mDNS.
    pub mdns: bool,
    /// `UPnP`, PCP and NAT-PMP.
    pub port_mapping: bool,
    /// `ip:port` to bind.
    pub bind: Option<Vec<String>>,
    /// Peers with addresses known at the start.
    pub peers: Vec<BindingPeer>,
    /// Also speak `/kulfi/identity/0.1`.
    pub kulfi: bool,
    /// Dial policy.
    pub connect: BindingOptions,
    /// Bounds and time limits.
    pub limits: BindingOptions,
    /// Access, authorization and rate options.
    pub guard: BindingGuardOptions,
}

/// Opens an endpoint. Operation; its outcome is a handle.
#[napi(catch_unwind)]
pub fn endpoint_bind(env: Env, secret: &[u8], options: BindingEndpointOptions) -> f64 {
    let ready = SecretKey::from_bytes(secret).and_then(|secret| Ok((secret, options.into_config()?)));
    start(&env, async move {
        let (secret, config) = ready?;
        Ok(Outcome::Endpoint(Endpoint::bind(secret, config).await?))
    })
}

/// Currently known addresses of the endpoint.
#[napi(catch_unwind)]
pub fn endpoint_address(env: Env, endpoint: f64) -> Option<BindingPeer> {
    Environment::with(&env, |e| e.value(|e| Ok((&endpoint_of(e, endpoint)?.address()).into())))
}

/// The address as text. Operation; its outcome is a text.
#[napi(catch_unwind)]
pub fn endpoint_ticket(env: Env, endpoint: f64, timeout: f64) -> f64 {
    with_endpoint(&env, endpoint, move |endpoint| async move {
        Ok(Outcome::Text(endpoint.ticket(milliseconds(timeout)).await))
    })
}

/// The relay's reason, if it refused this endpoint while the last ticket was created.
#[napi(catch_unwind)]
pub fn endpoint_relay_refusal(env: Env, endpoint: f64) -> Option<String> {
    Environment::with(&env, |e| e.value(|e| Ok(endpoint_of(e, endpoint)?.relay_refusal()))).flatten()
}

/// Renders all counters in the Prometheus text format.
#[napi(catch_unwind)]
pub fn endpoint_metrics(env: Env, endpoint: f64) -> Option<String> {
    Environment::with(&env, |e| e.value(|e| Ok(endpoint_of(e, endpoint)?.metrics())))
}

/// Begins to close: opening fails, and peers are refused. Open streams continue until `endpoint_close`.
#[napi(catch_unwind)]
pub fn endpoint_refuse_new_work(env: Env, endpoint: f64) {
    Environment::with(&env, |e| {
        if let Ok(endpoint) = endpoint_of(e, endpoint) {
            endpoint.refuse_new_work();
        }
    });
}

/// Closes the endpoint and releases its handle. Operation; its outcome is the number of finished streams that were not acknowledged in
/// time. Concurrent calls share one close.
#[napi(catch_unwind)]
pub fn endpoint_close(env: Env, endpoint: f64, timeout: f64) -> f64 {
    with_endpoint(&env, endpoint, move |endpoint| {
        // Begins now: no later call opens a stream.
        let closing = endpoint.close(milliseconds(timeout));
        async move {
            let report = closing.await;
            Ok(Outcome::Number(f64::from(u32::try_from(report.unacknowledged).unwrap_or(u32::MAX))))
        }
    })
}

/// Waits until the ports of a closed endpoint are free again, at most 1 s. Operation. Held streams of closed connections do not
/// keep the ports. Their buffered data stays readable.
#[napi(catch_unwind)]
pub fn endpoint_ports_released(env: Env, endpoint: f64) -> f64 {
    Environment::with(&env, |e| e.table.borrow_mut().each_stream(|slot| slot.stream.detach_from_connection()));
    with_endpoint(&env, endpoint, |endpoint| async move {
        endpoint.ports_released().await;
        Ok(Outcome::Nothing)
    })
}

/// Stops accepting work from peers.
#[napi(catch_unwind)]
pub fn endpoint_drain(env: Env, endpoint: f64) {
    Environment::with(&env, |e| {
        if let Ok(endpoint) = endpoint_of(e, endpoint) {
            endpoint.drain();
        }
    });
}

/// Handles of the unfinished streams that peers opened to this endpoint and that JavaScript has taken.
#[napi(catch_unwind)]
pub fn endpoint_serving(env: Env, endpoint: f64) -> Vec<f64> {
    Environment::with(&env, |e| {
        let Ok(endpoint) = endpoint_of(e, endpoint) else { return Vec::new() };
        e.table.borrow().streams(|slot| slot.is_served_by(&endpoint))
    })
}

/// Number of running tasks of the core that a shutdown waits for.
#[napi(catch_unwind)]
pub fn endpoint_tasks(env: Env, endpoint: f64) -> u32 {
    let tasks = Environment::with(&env, |e| endpoint_of(e, endpoint)).map_or(0, |endpoint| endpoint.task_count());
    u32::try_from(tasks).unwrap_or(u32::MAX)
}

/// Number of acknowledged streams that JavaScript has not taken.
#[napi(catch_unwind)]
pub fn endpoint_queued(env: Env, endpoint: f64) -> u32 {
    let queued = Environment::with(&env, |e| endpoint_of(e, endpoint)).map_or(0, |endpoint| endpoint.queued());
    u32::try_from(queued).unwrap_or(u32::MAX)
}

/// Closes the endpoints of a process that exits. Closes their connections, and blocks until that is done, at most `timeout`.
#[napi(catch_unwind)]
pub fn endpoints_close_before_exit(env: Env, endpoints: Vec<f64>, timeout: f64) {
    let endpoints: Vec<Endpoint> =
        Environment::with(&env, |e| endpoints.into_iter().filter_map(|handle| endpoint_of(e, handle).ok()).collect());
    close_before_exit(&endpoints, milliseconds(timeout));
}

impl BindingEndpointOptions {
    fn into_config(mut self) -> Result<Config> {
        let mut limits = Limits::default().with_stream_rate(self.guard.stream_rate());
        set_options(&self.limits, |name, value| limits.set(name, value))?;
        set_options(&self.connect, |name, value| limits.connect.set(name, value))?;
        let peers = self.peers.iter().map(PeerAddress::try_from).collect::<Result<_>>()?;
        let (authorize, access) = (self.guard.authorize()?, take(&mut self.guard.access).try_into()?);
        Ok(Config { kulfi: self.kulfi, peers, access, authorize, limits, network: self.into_network()? })
    }

    fn into_network(self) -> Result<Network> {
        Ok(match self.network.as_str() {
            "internet" => Network::Internet,
            "lan" => Network::Lan,
            "loopback" => Network::Loopback,
            _ => Network::Custom(CustomNetwork {
                relays: self.relays.unwrap_or_default().into_iter().map(Relay::try_from).collect::<Result<_>>()?,
                dns_origin: self.dns_origin,
                dns_server: self.dns_server.as_deref().map(|a| socket("network.dnsServer", a)).transpose()?,
                pkarr: self.pkarr,
                mdns: self.mdns,
                port_mapping: self.port_mapping,
                bind: self.bind.iter().flatten().map(|a| socket("network.bind", a)).collect::<Result<_>>()?,
            }),
        })
    }
}

impl TryFrom<BindingRelay> for Relay {
    type Error = Error;

    fn try_from(relay: BindingRelay) -> Result<Self> {
        let url = relay.url.parse().map_err(|e| {
            let text = format!("network.relays: {:?} is no URL of a relay", relay.url);
            Error::new(Code::InvalidArgument, text).with_source(e)
        })?;
        Ok(Self { url, token: relay.token })
    }
}

fn socket(field: &str, text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|e| {
        let text = format!("{field}: {text:?} is no socket address, write ip:port or [ip]:port");
        Error::new(Code::InvalidArgument, text).with_source(e)
    })
}
