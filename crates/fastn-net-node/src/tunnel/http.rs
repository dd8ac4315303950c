//! HTTP tunnels.

use std::{collections::HashMap, sync::Arc};

use fastn_net::{
    Error, PeerAddress, Result,
    tunnel::{BridgeHttpOptions, ExposeHttpOptions, HttpDestination, SocketName},
};
use napi::Env;
use napi_derive::napi;

use super::allow_of;
use crate::{
    arguments::{endpoint_of, milliseconds, whole, with_endpoint},
    bridge::{Environment, Outcome, Slot},
    peer::BindingPeer,
};

/// How an HTTP service is exposed. TypeScript supplies every default. Times are in milliseconds.
#[napi(object, use_nullable = true)]
pub struct BindingExposeHttpOptions {
    /// ID52s of the peers that may use it; null: all.
    pub allow: Option<Vec<String>>,
    /// Its name.
    pub service: Option<String>,
    /// `client`, `target` or a host; null: what the core prefers.
    pub host_header: Option<String>,
    /// Trusted certificates in PEM; null: the system's.
    pub certificates: Option<String>,
    /// One connection to the target.
    pub connect_timeout: f64,
    /// The target's silence.
    pub response_timeout: f64,
}

/// A peer's HTTP service.
#[napi(object, use_nullable = true)]
pub struct BindingHttpDestination {
    /// The peer.
    pub peer: BindingPeer,
    /// Name of the service.
    pub service: Option<String>,
}

/// The service that a host means.
#[napi(object, use_nullable = true)]
pub struct BindingHttpHost {
    /// The host.
    pub name: String,
    /// The service.
    pub destination: BindingHttpDestination,
}

/// Which services a bridge reaches. As above.
#[napi(object, use_nullable = true)]
pub struct BindingBridgeHttpOptions {
    /// The service of `localhost`; null: peers are named in each request.
    pub destination: Option<BindingHttpDestination>,
    /// The services of other hosts.
    pub hosts: Vec<BindingHttpHost>,
    /// Local connections at a time.
    pub max_connections: f64,
    /// Reaching the peer, for each request.
    pub open_timeout: f64,
}

/// Exposes an HTTP service. A handle, or `FAILED`.
#[napi(catch_unwind)]
pub fn tunnel_expose_http(env: Env, endpoint: f64, target: String, options: BindingExposeHttpOptions) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let endpoint = endpoint_of(e, endpoint)?;
            let tunnel = endpoint.expose_http(target.parse()?, options.try_into()?)?;
            e.table.borrow_mut().insert(Slot::Tunnel(Arc::new(tunnel)))
        })
    })
}

/// Bridges local HTTP clients to services of peers. Operation; its outcome is a handle.
#[napi(catch_unwind)]
pub fn tunnel_bridge_http(env: Env, endpoint: f64, local: String, options: BindingBridgeHttpOptions) -> f64 {
    let ready = local.parse::<SocketName>().and_then(|local| Ok((local, BridgeHttpOptions::try_from(options)?)));
    with_endpoint(&env, endpoint, move |endpoint| async move {
        let (local, options) = ready?;
        Ok(Outcome::Tunnel(endpoint.bridge_http(&local, options).await?))
    })
}

impl TryFrom<BindingExposeHttpOptions> for ExposeHttpOptions {
    type Error = Error;

    fn try_from(options: BindingExposeHttpOptions) -> Result<Self> {
        let mut expose = Self::new(allow_of(options.allow)?)
            .with_connect_timeout(milliseconds(options.connect_timeout))
            .with_response_timeout(milliseconds(options.response_timeout));
        expose.service = options.service;
        expose.host = options.host_header.map(Into::into);
        expose.certificates = options.certificates;
        Ok(expose)
    }
}

impl TryFrom<BindingBridgeHttpOptions> for BridgeHttpOptions {
    type Error = Error;

    fn try_from(options: BindingBridgeHttpOptions) -> Result<Self> {
        let hosts = options.hosts.into_iter().map(|host| Ok((host.name, host.destination.try_into()?)));
        let mut bridge = Self::default()
            .with_max_connections(whole(options.max_connections))
            .with_open_timeout(milliseconds(options.open_timeout));
        bridge.hosts = hosts.collect::<Result<HashMap<_, _>>>()?;
        bridge.destination = options.destination.map(TryInto::try_into).transpose()?;
        Ok(bridge)
    }
}

impl TryFrom<BindingHttpDestination> for HttpDestination {
    type Error = Error;

    fn try_from(destination: BindingHttpDestination) -> Result<Self> {
        Ok(Self { peer: PeerAddress::try_from(&destination.peer)?, service: destination.service })
    }
}
