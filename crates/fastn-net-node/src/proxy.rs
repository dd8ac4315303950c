//! Proxies: exposed ones, and local servers whose clients use a peer's proxy.

use std::sync::Arc;

use fastn_net::targets::Targets;
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, with_endpoint},
    bridge::{Environment, Outcome, Slot},
    options::BindingOptions,
    peer::BindingPeer,
    tunnel::{BindingExposeOptions, bridge_of},
};

/// Exposes a proxy to the destinations that the rules allow. A handle of a tunnel, or `FAILED`.
#[napi(catch_unwind)]
pub fn proxy_expose(env: Env, endpoint: f64, targets: Vec<String>, options: BindingExposeOptions) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let endpoint = endpoint_of(e, endpoint)?;
            let targets = Targets::parse(targets.iter().map(String::as_str))?;
            let tunnel = endpoint.expose_proxy(targets, options.try_into()?)?;
            e.table.borrow_mut().insert(Slot::Tunnel(Arc::new(tunnel)))
        })
    })
}

/// Listens as an HTTP proxy or a SOCKS 5 server. Operation; its outcome is a handle of a tunnel.
#[napi(catch_unwind)]
pub fn proxy_listen(
    env: Env,
    endpoint: f64,
    http: bool,
    local: String,
    peer: BindingPeer,
    options: BindingOptions,
) -> f64 {
    let ready = bridge_of(&local, &peer, &options);
    with_endpoint(&env, endpoint, move |endpoint| async move {
        let (local, peer, options) = ready?;
        Ok(Outcome::Tunnel(if http {
            endpoint.proxy(&local, peer, options).await?
        } else {
            endpoint.socks5(&local, peer, options).await?
        }))
    })
}
