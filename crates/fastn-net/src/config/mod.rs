//! Configuration of an endpoint.
//!
//! - `access`: access lists
//! - `limits`: bounds and time limits, with their defaults
//! - `policy`: which peers may use which protocols and services
//! - `network`: sockets, relays and look-ups
//! - `ticket`: reads tickets

mod access;
mod limits;
mod network;
mod policy;
mod ticket;

use std::net::SocketAddr;

use iroh::{EndpointAddr, RelayUrl, TransportAddr};

use crate::{
    error::{Code, Error, Result},
    identity::PublicKey,
};

pub(crate) use self::{access::Access, policy::Subject};
pub use self::{
    access::{AccessDecision, AccessLists},
    limits::{Authorize, Connect, Limits, Rate},
    network::{CustomNetwork, Network, Relay},
    policy::{Policy, PolicyDecision, PolicyEffect, PolicyRule, PolicyRules},
};

/// Configuration of [`crate::Endpoint::bind`].
#[derive(Clone, Debug)]
pub struct Config {
    /// Sockets, relays and look-ups.
    pub network: Network,
    /// Peers with addresses known at the start.
    pub peers: Vec<PeerAddress>,
    /// Also speak `/kulfi/identity/0.1` (docs/wire.md, Connection), and look for peers by mDNS as released versions of malai do.
    pub kulfi: bool,
    /// Access lists.
    pub access: AccessLists,
    /// Authorization requests sent before a peer or a stream is admitted.
    pub authorize: Option<Authorize>,
    /// Bounds and time limits.
    pub limits: Limits,
}

impl Config {
    /// A configuration with the default [`Limits`]: everyone may connect, no peers, no authorization requests.
    ///
    /// ```
    /// use fastn_net::{Config, Limits, Network};
    ///
    /// let limits = Limits::default().with_max_connections(100);
    /// let config = Config { limits, ..Config::new(Network::Loopback) };
    /// assert_eq!(config.limits.max_connections, 100);
    /// ```
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self {
            network,
            peers: Vec::new(),
            kulfi: false,
            access: AccessLists::default(),
            authorize: None,
            limits: Limits::default(),
        }
    }
}

/// The internet, with default limits.
impl Default for Config {
    fn default() -> Self {
        Self::new(Network::Internet)
    }
}

/// A peer's key and its known addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// The peer's key.
    pub id: PublicKey,
    /// Socket addresses to try.
    pub addresses: Vec<SocketAddr>,
    /// Relays that reach it.
    pub relays: Vec<RelayUrl>,
}

impl PeerAddress {
    /// A peer with a known key and no known address.
    #[must_use]
    pub fn new(id: PublicKey) -> Self {
        Self { id, addresses: Vec::new(), relays: Vec::new() }
    }

    /// Parses the text forms.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS` names the part that cannot be read.
    pub fn parse(id: &str, addresses: &[String], relays: &[String]) -> Result<Self> {
        let bad = |what: &str, text: &str| {
            Error::new(Code::PeerAddress, format!("the peer's {what} {text:?} cannot be read"))
        };
        Ok(Self {
            id: PublicKey::parse(id)?,
            addresses: addresses
                .iter()
                .map(|a| a.parse::<SocketAddr>().map_err(|e| bad("address (expected ip:port)", a).with_source(e)))
                .collect::<Result<_>>()?,
            relays: relays
                .iter()
                .map(|r| r.parse::<RelayUrl>().map_err(|e| bad("relay (expected a URL)", r).with_source(e)))
                .collect::<Result<_>>()?,
        })
    }

    /// Reads a ticket, iroh's `endpoint…` form. Trims surrounding white space.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS`; its message says what is wrong, such as the position of a wrong character. It never repeats the text.
    pub fn from_ticket(text: &str) -> Result<Self> {
        Ok(Self::from_iroh(ticket::decode(text)?.endpoint_addr()))
    }

    pub(crate) fn from_iroh(address: &EndpointAddr) -> Self {
        Self {
            id: address.id.into(),
            addresses: address.ip_addrs().copied().collect(),
            relays: address.relay_urls().cloned().collect(),
        }
    }

    pub(crate) fn to_iroh(&self) -> EndpointAddr {
        let ips = self.addresses.iter().copied().map(TransportAddr::Ip);
        let relays = self.relays.iter().cloned().map(TransportAddr::Relay);
        EndpointAddr::from_parts(self.id.into(), ips.chain(relays))
    }

    /// Merges another address of the same peer, newest last. Drops the oldest entries beyond the limit.
    /// Returns whether an entry was new.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        let addresses = merge(&mut self.addresses, &other.addresses);
        merge(&mut self.relays, &other.relays) || addresses
    }
}

/// Limit of remembered addresses of one peer, and of relays.
const REMEMBERED: usize = 32;

fn merge<T: Clone + PartialEq>(known: &mut Vec<T>, more: &[T]) -> bool {
    let before = known.len();
    for one in more {
        if !known.contains(one) {
            known.push(one.clone());
        }
    }
    let new = known.len() > before;
    known.drain(..known.len().saturating_sub(REMEMBERED));
    new
}
