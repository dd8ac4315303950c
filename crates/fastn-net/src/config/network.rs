//! The sockets, relays and look-ups of an endpoint.

use std::{fmt, net::SocketAddr};

use iroh::RelayUrl;

/// Look-up and publishing of addresses.
#[derive(Clone, Debug)]
pub enum Network {
    /// The public relays and look-up of n0, mDNS, port mapping.
    Internet,
    /// mDNS only: no relay, no look-up, no port mapping.
    Lan,
    /// 127.0.0.1 only: contacts nothing.
    Loopback,
    /// Your own servers.
    Custom(CustomNetwork),
}

/// Your own relays and look-up servers.
#[derive(Clone, Debug, Default)]
pub struct CustomNetwork {
    /// Relays. The reachable one with the lowest latency becomes the home relay.
    pub relays: Vec<Relay>,
    /// Origin domain under which peers are looked up by DNS.
    pub dns_origin: Option<String>,
    /// The DNS server to ask, instead of the system's.
    pub dns_server: Option<SocketAddr>,
    /// pkarr relay to publish to and to look up from.
    pub pkarr: Option<String>,
    /// Look-up by mDNS in the local network.
    pub mdns: bool,
    /// `UPnP`, PCP and NAT-PMP.
    pub port_mapping: bool,
    /// Socket addresses to bind; empty: every interface, a port of the system's choice.
    pub bind: Vec<SocketAddr>,
}

/// A relay and its token. `Debug` shows whether there is a token, not the token.
#[derive(Clone)]
pub struct Relay {
    /// `https://…` (or `http://…` for a local one).
    pub url: RelayUrl,
    /// Access token for the relay.
    pub token: Option<String>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("url", &self.url.as_str()).field("has_token", &self.token.is_some()).finish()
    }
}

impl Network {
    /// Whether the network has relays, and so a home relay.
    pub(crate) fn has_relays(&self) -> bool {
        match self {
            Self::Internet => true,
            Self::Lan | Self::Loopback => false,
            Self::Custom(custom) => !custom.relays.is_empty(),
        }
    }

    /// Whether peers are looked up by mDNS.
    pub(crate) fn has_mdns(&self) -> bool {
        match self {
            Self::Internet | Self::Lan => true,
            Self::Loopback => false,
            Self::Custom(custom) => custom.mdns,
        }
    }
}
