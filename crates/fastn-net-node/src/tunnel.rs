//! Tunnels: exposed services, and bridges to peers' services.

mod http;

use std::{collections::HashSet, sync::Arc};

use fastn_net::{
    Error, PeerAddress, PublicKey, Result,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName, Tunnel},
};
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, milliseconds, with_endpoint},
    bridge::{Environment, Outcome, Slot, stale, start},
    options::{BindingOptions, set_options},
    peer::BindingPeer,
};

/// How a service is exposed.
#[napi(object, use_nullable = true)]
pub struct BindingExposeOptions {
    /// ID52s of the peers that may use it; null: all.
    pub allow: Option<Vec<String>>,
    /// All other options.
    pub values: BindingOptions,
}

/// Exposes a UDP service, or a TCP service or Unix socket. A handle, or `FAILED`.
#[napi(catch_unwind)]
pub fn tunnel_expose(env: Env, endpoint: f64, udp: bool, target: String, options: BindingExposeOptions) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let endpoint = endpoint_of(e, endpoint)?;
            let (target, options) = (target.parse()?, options.try_into()?);
            let tunnel =
                if udp { endpoint.expose_udp(target, options)? } else { endpoint.expose_tcp(target, options)? };
            e.table.borrow_mut().insert(Slot::Tunnel(Arc::new(tunnel)))
        })
    })
}

/// Bridges a local socket to a peer's service. Operation; its outcome is a handle.
#[napi(catch_unwind)]
pub fn tunnel_bridge(
    env: Env,
    endpoint: f64,
    udp: bool,
    local: String,
    peer: BindingPeer,
    options: BindingOptions,
) -> f64 {
    let ready = bridge_of(&local, &peer, &options);
    with_endpoint(&env, endpoint, move |endpoint| async move {
        let (local, peer, options) = ready?;
        Ok(Outcome::Tunnel(if udp {
            endpoint.bridge_udp(&local, peer, options).await?
        } else {
            endpoint.bridge_tcp(&local, peer, options).await?
        }))
    })
}

/// Where a bridge listens, as text; null for an exposed service.
#[napi(catch_unwind)]
pub fn tunnel_address(env: Env, tunnel: f64) -> Option<String> {
    Environment::with(&env, |e| get_tunnel(e, tunnel).ok()?.local_name().map(ToString::to_string))
}

/// Number of its connections.
#[napi(catch_unwind)]
pub fn tunnel_connections(env: Env, tunnel: f64) -> u32 {
    let count = Environment::with(&env, |e| get_tunnel(e, tunnel)).map_or(0, |tunnel| tunnel.connection_count());
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Stops accepting immediately. Connections get `timeout` to end, and are then reset. Operation.
#[napi(catch_unwind)]
pub fn tunnel_close(env: Env, tunnel: f64, timeout: f64) -> f64 {
    with_tunnel(&env, tunnel, move |tunnel| {
        tunnel.stop();
        async move {
            tunnel.close(milliseconds(timeout)).await;
            Ok(Outcome::Nothing)
        }
    })
}

/// Waits until the tunnel has stopped accepting and its connections have ended. Operation.
#[napi(catch_unwind)]
pub fn tunnel_closed(env: Env, tunnel: f64) -> f64 {
    with_tunnel(&env, tunnel, |tunnel| async move {
        tunnel.closed().await;
        Ok(Outcome::Nothing)
    })
}

fn get_tunnel(environment: &Environment, handle: f64) -> Result<Arc<Tunnel>> {
    match environment.table.borrow_mut().slot(handle) {
        Some(Slot::Tunnel(tunnel)) => Ok(tunnel.clone()),
        _ => Err(stale()),
    }
}

fn with_tunnel<F>(env: &Env, handle: f64, call: impl FnOnce(Arc<Tunnel>) -> F) -> f64
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    match Environment::with(env, |e| get_tunnel(e, handle)) {
        Ok(tunnel) => start(env, call(tunnel)),
        Err(error) => start(env, async move { Err(error) }),
    }
}

fn allow_of(ids: Option<Vec<String>>) -> Result<Allow> {
    match ids {
        None => Ok(Allow::Public),
        Some(ids) => Allow::peers(ids.iter().map(|id| PublicKey::parse(id)).collect::<Result<HashSet<_>>>()?),
    }
}

impl TryFrom<BindingExposeOptions> for ExposeOptions {
    type Error = Error;

    fn try_from(options: BindingExposeOptions) -> Result<Self> {
        let mut expose = Self::new(allow_of(options.allow)?);
        set_options(&options.values, |name, value| expose.set(name, value))?;
        Ok(expose)
    }
}

/// The arguments of a bridge or a local proxy.
pub(crate) fn bridge_of(
    local: &str,
    peer: &BindingPeer,
    options: &BindingOptions,
) -> Result<(SocketName, PeerAddress, BridgeOptions)> {
    let mut bridge = BridgeOptions::default();
    set_options(options, |name, value| bridge.set(name, value))?;
    Ok((local.parse()?, PeerAddress::try_from(peer)?, bridge))
}
