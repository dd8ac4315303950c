//! Admission of inbound handshakes, apart from connections.
//!
//! Anyone can send the first packet of a handshake, from an address that is not its own. Above a watermark of such handshakes,
//! a peer must first prove its address with a Retry packet, which costs this side no memory. A spoofed address is never
//! counted: only proven addresses have a share each, so that one source cannot take every place.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard},
};

use iroh::{
    RelayUrl,
    endpoint::{Incoming, IncomingAddr},
};

/// Handshakes in flight whose peer has not proven its address.
const UNVALIDATED: usize = 64;

/// Handshakes in flight of peers that proved their address.
const VALIDATED: usize = 512;

/// The share of one IP address, or IPv6 /64 network.
const PER_ADDRESS: usize = 128;

/// The share of one relay, which stands for many peers.
const PER_RELAY: usize = 256;

/// Inbound handshakes in flight.
#[derive(Debug, Default)]
pub(crate) struct Handshakes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    unvalidated: usize,
    validated: usize,
    per_source: HashMap<Source, usize>,
}

/// Where a peer that proved its address is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// An IPv4 address, or the /64 network of an IPv6 address.
    Ip(IpAddr),
    Relay(RelayUrl),
    Custom,
}

/// What to do with the first packet of a handshake.
#[derive(Debug)]
pub(crate) enum Admission {
    Accept(HandshakePermit),
    /// The peer must prove its address first.
    Retry,
    /// Too many are in flight. The peer sends its packet again after its timeout, and may be admitted then.
    Ignore,
}

/// A handshake in flight, until this is dropped.
#[derive(Debug)]
pub(crate) struct HandshakePermit {
    handshakes: Arc<Handshakes>,
    /// `None` for an unproven address.
    source: Option<Source>,
}

impl Handshakes {
    pub(crate) fn admit(self: &Arc<Self>, incoming: &Incoming) -> Admission {
        self.admit_from(incoming.remote_addr_validated().then(|| Source::of(incoming.remote_addr())))
    }

    /// `source`: where the peer is, if it proved that.
    fn admit_from(self: &Arc<Self>, source: Option<Source>) -> Admission {
        let mut state = self.lock();
        match &source {
            None if state.unvalidated >= UNVALIDATED => return Admission::Retry,
            None => state.unvalidated += 1,
            Some(from) => {
                let count = state.per_source.get(from).copied().unwrap_or(0);
                if state.validated >= VALIDATED || count >= from.share() {
                    return Admission::Ignore;
                }
                state.validated += 1;
                state.per_source.insert(from.clone(), count + 1);
            }
        }
        Admission::Accept(HandshakePermit { handshakes: self.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while held")
    }
}

impl Source {
    fn of(address: IncomingAddr) -> Self {
        match address {
            IncomingAddr::Ip(address) => Self::Ip(match address.ip().to_canonical() {
                IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
                ip @ IpAddr::V4(_) => ip,
            }),
            IncomingAddr::Relay { url, .. } => Self::Relay(url),
            _ => Self::Custom,
        }
    }

    fn share(&self) -> usize {
        if matches!(self, Self::Ip(_)) { PER_ADDRESS } else { PER_RELAY }
    }
}

impl Drop for HandshakePermit {
    fn drop(&mut self) {
        let mut state = self.handshakes.lock();
        let Some(source) = &self.source else {
            state.unvalidated -= 1;
            return;
        };
        state.validated -= 1;
        if let Some(count) = state.per_source.get_mut(source) {
            *count -= 1;
            if *count == 0 {
                state.per_source.remove(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Source {
        Source::of(IncomingAddr::Ip(address.parse().expect("address")))
    }

    fn admitted(handshakes: &Arc<Handshakes>, source: Option<&Source>, tries: usize) -> Vec<HandshakePermit> {
        let admit = |_| match handshakes.admit_from(source.cloned()) {
            Admission::Accept(permit) => Some(permit),
            Admission::Retry | Admission::Ignore => None,
        };
        (0..tries).filter_map(admit).collect()
    }

    #[test]
    fn unproven_addresses_get_a_retry_above_the_watermark_and_take_no_other_place() {
        let handshakes = Arc::default();
        let held = admitted(&handshakes, None, 10_000);
        assert_eq!(held.len(), UNVALIDATED);
        assert!(matches!(handshakes.admit_from(None), Admission::Retry));
        assert_eq!(handshakes.lock().per_source.len(), 0);
        assert_eq!(admitted(&handshakes, Some(&from("192.0.2.1:1")), 1).len(), 1);
        drop(held);
        assert!(matches!(handshakes.admit_from(None), Admission::Accept(_)));
    }

    #[test]
    fn one_source_cannot_take_every_place_and_all_of_them_are_bounded() {
        let handshakes = Arc::default();
        let one = admitted(&handshakes, Some(&from("192.0.2.1:1")), 10_000);
        assert_eq!(one.len(), PER_ADDRESS);
        assert!(admitted(&handshakes, Some(&from("[::ffff:192.0.2.1]:9")), 1).is_empty());
        let network = admitted(&handshakes, Some(&from("[2001:db8::1]:1")), 10_000);
        assert_eq!(network.len(), PER_ADDRESS);
        assert!(admitted(&handshakes, Some(&from("[2001:db8::2:0:0:2]:1")), 1).is_empty());
        assert_eq!(admitted(&handshakes, Some(&from("[2001:db8:0:1::1]:1")), 1).len(), 1);
        let many: Vec<Vec<HandshakePermit>> =
            (0..100).map(|n| admitted(&handshakes, Some(&from(&format!("198.51.100.{n}:1"))), 10_000)).collect();
        assert_eq!(one.len() + network.len() + many.iter().map(Vec::len).sum::<usize>(), VALIDATED);
        drop((one, network, many));
        let state = handshakes.lock();
        assert_eq!((state.validated, state.per_source.len()), (0, 0));
    }
}
