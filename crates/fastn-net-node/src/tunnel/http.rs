//! HTTP tunnels.

use std::{collections::HashMap, sync::Arc};

use fastn_net::{
    Error, PeerAddress, Result,
    tunnel::{BridgeHttpOptions, ExposeHttpOptions, HttpDestination, SocketName},
};
use napi::Env;
use napi_derive::napi;

use super::{BindingExposeOptions, allow_of};
use crate::{
    arguments::{endpoint_of, with_endpoint},
    bridge::{Environment, Outcome, Slot},
    options::{BindingOptions, set_options},
    peer::BindingPeer,
};

/// A peer's HTTP service.
#[napi(object, use_nullable = true)]
pub struct BindingHttpDestination {
    /// The peer.
    pub peer: BindingPeer,
    /// Name of the service.
    pub service: Option<String>,
}

/// A host, and its service.
#[napi(object, use_nullable = true)]
pub struct BindingHttpHost {
    /// The host.
    pub name: String,
    /// The service.
    pub destination: BindingHttpDestination,
}

/// The services that a bridge reaches.
#[napi(object, use_nullable = true)]
pub struct BindingBridgeHttpOptions {
    /// The service of `localhost`; null: peers are named in each request.
    pub destination: Option<BindingHttpDestination>,
    /// The services of other hosts.
    pub hosts: Vec<BindingHttpHost>,
    /// All other options.
    pub values: BindingOptions,
}

/// Exposes an HTTP service. A handle, or `FAILED`.
#[napi(catch_unwind)]
pub fn tunnel_expose_http(env: Env, endpoint: f64, target: String, options: BindingExposeOptions) -> f64 {
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

impl TryFrom<BindingExposeOptions> for ExposeHttpOptions {
    type Error = Error;

    fn try_from(options: BindingExposeOptions) -> Result<Self> {
        let mut expose = Self::new(allow_of(options.allow)?);
        set_options(&options.values, |name, value| expose.set(name, value))?;
        Ok(expose)
    }
}

impl TryFrom<BindingBridgeHttpOptions> for BridgeHttpOptions {
    type Error = Error;

    fn try_from(options: BindingBridgeHttpOptions) -> Result<Self> {
        let hosts = options.hosts.into_iter().map(|host| Ok((host.name, host.destination.try_into()?)));
        let mut bridge = Self::default();
        set_options(&options.values, |name, value| bridge.set(name, value))?;
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
