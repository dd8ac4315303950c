//! iroh's endpoint: its sockets, relays and handshakes.
//!
//! - `builder`: a network as an iroh builder
//! - `sockets`: bind errors, and waiting until ports are free again
//! - `relay`: the endpoint's own relays
//! - `half_open`: half-open handshakes

mod builder;
mod half_open;
mod relay;
mod sockets;

use std::{net::SocketAddr, sync::Mutex};

pub(crate) use self::{
    builder::{bind_addresses, builder},
    half_open::{HalfOpen, abandon},
    sockets::bind_error,
};
use crate::{
    config::{Config, Network},
    wire::alpn::Alpn,
};

/// iroh's endpoint until it is closed, and its handshakes.
#[derive(Debug)]
pub(crate) struct Transport {
    /// `None` once closed. The sockets stay open as long as any clone exists.
    iroh: Mutex<Option<iroh::Endpoint>>,
    sockets: Vec<SocketAddr>,
    network: Network,
    kulfi: bool,
    pub(crate) half_open: HalfOpen,
}

impl Transport {
    /// Takes an endpoint with open sockets.
    pub(crate) fn new(iroh: iroh::Endpoint, config: &Config) -> Self {
        Self {
            sockets: iroh.bound_sockets(),
            iroh: Mutex::new(Some(iroh)),
            network: config.network.clone(),
            kulfi: config.kulfi,
            half_open: HalfOpen::default(),
        }
    }

    /// iroh's endpoint; `None` once closed.
    pub(crate) fn iroh(&self) -> Option<iroh::Endpoint> {
        self.iroh.lock().expect("no panic while held").clone()
    }

    /// Takes iroh's endpoint out, to close it.
    pub(crate) fn take(&self) -> Option<iroh::Endpoint> {
        self.iroh.lock().expect("no panic while held").take()
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// The offered ALPNs, the preferred one first.
    pub(crate) fn alpns(&self) -> Vec<Vec<u8>> {
        Alpn::offered(self.kulfi)
    }

    /// Waits until its ports can be bound again, for a second at most. Cancel-safe.
    pub(crate) async fn released(&self) {
        sockets::released(&self.sockets).await;
    }
}
