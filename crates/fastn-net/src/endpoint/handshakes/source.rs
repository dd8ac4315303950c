//! Sources of handshakes, and the share of each.

use std::net::{IpAddr, Ipv6Addr};

use iroh::{RelayUrl, endpoint::IncomingAddr};

/// Share of one IPv4 address or IPv6 /64 network, each of in-flight and of lingering handshakes.
pub(super) const PER_ADDRESS: usize = 128;

/// Share of one relay, which carries many peers.
pub(super) const PER_RELAY: usize = 256;

/// Location of a peer that proved its address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// An IPv4 address, or the /64 network of an IPv6 address.
    Ip(IpAddr),
    Relay(RelayUrl),
    Custom,
}

impl Source {
    pub(super) fn of(address: IncomingAddr) -> Self {
        match address {
            IncomingAddr::Ip(address) => Self::Ip(match address.ip().to_canonical() {
                IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
                ip @ IpAddr::V4(_) => ip,
            }),
            IncomingAddr::Relay { url, .. } => Self::Relay(url),
            _ => Self::Custom,
        }
    }

    pub(super) fn share(&self) -> usize {
        if matches!(self, Self::Ip(_)) { PER_ADDRESS } else { PER_RELAY }
    }
}
