//! Everything an endpoint is told. The numbers have no defaults here: whoever embeds this crate sets
//! them in one place of its own.
//!
//! - `access`: who may connect
//! - `network`: sockets, relays and look-ups

mod access;
mod network;

use std::{net::SocketAddr, time::Duration};

use iroh::{EndpointAddr, RelayUrl, TransportAddr};
use iroh_tickets::{Ticket, endpoint::EndpointTicket};

use crate::{
    error::{Code, Error, Result},
    identity::PublicKey,
};

pub(crate) use self::access::Access;
pub use self::{
    access::AccessLists,
    network::{CustomNetwork, Network, Relay},
};

/// What [`crate::Endpoint::bind`] needs beside the secret key.
#[derive(Clone, Debug)]
pub struct Config {
    /// Sockets, relays and look-ups.
    pub network: Network,
    /// Peers whose addresses are known from the start.
    pub peers: Vec<PeerAddress>,
    /// Speak `/kulfi/identity/0.1` as well (docs/wire.md, Connection).
    pub kulfi: bool,
    /// Who may connect.
    pub access: AccessLists,
    /// What is asked before a peer or a stream is taken.
    pub authorize: Option<Authorize>,
    /// Bounds and time limits.
    pub limits: Limits,
}

/// Bounds of everything that grows, and time limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Reaching a peer.
    pub connect: Connect,
    /// From a written header to its acknowledgement.
    pub ack_timeout: Duration,
    /// From an accepted stream to the end of its first line.
    pub header_timeout: Duration,
    /// Bytes of a stream's first line.
    pub max_header_bytes: usize,
    /// One ping.
    pub ping_timeout: Duration,
    /// A connection that we dialled and nothing uses is closed after this; so long without connection or request, a peer's
    /// actor is let go.
    pub idle_timeout: Duration,
    /// Bidirectional streams that a peer may have open on one connection.
    pub bidi_streams: u32,
    /// Streams that a peer may have open on all its connections, once their first line is there.
    pub streams_per_peer: usize,
    /// The same, of all peers.
    pub streams: usize,
    /// How fast one peer may open them; without bound, where that is not said.
    pub stream_rate: Option<Rate>,
    /// Bytes that a peer may send on one connection before somebody reads them.
    pub receive_window: u32,
    /// The same, on all its connections together. Each may have 64 KiB of its own beside it.
    pub receive_window_per_peer: u64,
    /// Connections of the endpoint.
    pub connections: usize,
    /// Connections of one peer.
    pub connections_per_peer: usize,
    /// Acknowledged streams that wait for one listener.
    pub max_queued_streams: usize,
    /// The same, of one peer.
    pub max_queued_streams_per_peer: usize,
}

/// So many a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once, after a time of rest.
    pub burst: u32,
}

/// What is asked about, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorize {
    /// Ask once about each connection that a peer makes.
    pub peer: bool,
    /// Ask about each stream that a peer opens.
    pub stream: bool,
    /// A question that has no answer by then is answered with no.
    pub timeout: Duration,
    /// Questions without an answer at one time; more are not asked.
    pub max_pending: usize,
    /// The same, about one peer.
    pub max_pending_per_peer: usize,
}

/// How a peer is reached: one dial after the other, as long as somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Dials of one request after the first that failed; without bound in its time, where that is not said.
    pub retries: Option<u32>,
    /// The longest delay behind the first failure; it doubles with each. A delay is a random part of it.
    pub min_delay: Duration,
    /// The longest delay of all.
    pub max_delay: Duration,
    /// One dial, from the first packet to the end of the handshake.
    pub attempt_timeout: Duration,
}

/// Where a peer is: its key, and whatever is known of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// Who.
    pub id: PublicKey,
    /// Socket addresses to try.
    pub addresses: Vec<SocketAddr>,
    /// Relays it can be reached through.
    pub relays: Vec<RelayUrl>,
}

impl PeerAddress {
    /// A peer of which only the key is known.
    #[must_use]
    pub fn new(id: PublicKey) -> Self {
        Self { id, addresses: Vec::new(), relays: Vec::new() }
    }

    /// Reads the text forms that come from outside.
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

    /// Reads a ticket, iroh's `endpoint…` form.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS`.
    pub fn from_ticket(text: &str) -> Result<Self> {
        let ticket = EndpointTicket::decode_string(text.trim()).map_err(|e| {
            Error::new(Code::PeerAddress, "this is no ticket: copy it whole, it starts with \"endpoint\"")
                .with_source(e)
        })?;
        Ok(Self::from_iroh(ticket.endpoint_addr()))
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

    /// Takes in what another knows of the same peer, the newest last; the oldest go when there are too many.
    /// Whether something was new.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        let addresses = merge(&mut self.addresses, &other.addresses);
        merge(&mut self.relays, &other.relays) || addresses
    }
}

/// Addresses, and relays, that are remembered of one peer.
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
