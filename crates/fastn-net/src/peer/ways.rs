//! The ways in which a dial tries to reach a peer, in words.

use iroh::TransportAddr;

use crate::config::{Network, PeerAddress};

/// Most addresses that an error lists.
const MAX: usize = 8;

/// Addresses, relays and look-ups of a dial.
#[derive(Debug)]
pub(crate) struct Ways {
    places: Vec<String>,
    /// The look-ups of the network, in words.
    lookups: Option<String>,
    /// Addresses that the look-ups found beyond `places`.
    found: Vec<String>,
}

impl Ways {
    pub(crate) fn new(network: &Network, to: &PeerAddress) -> Self {
        let addresses = to.addresses.iter().map(ToString::to_string);
        let relays = to.relays.iter().map(|relay| format!("relay {relay}"));
        Self { places: addresses.chain(relays).collect(), lookups: lookups(network), found: Vec::new() }
    }

    /// Adds the addresses that look-ups found.
    pub(crate) fn find<'a>(&mut self, known: impl Iterator<Item = &'a TransportAddr>) {
        for address in known {
            let place = match address {
                TransportAddr::Ip(address) => address.to_string(),
                TransportAddr::Relay(url) => format!("relay {url}"),
                _ => continue,
            };
            if !self.places.contains(&place) {
                self.found.push(place);
            }
        }
    }

    /// No way is given, and none can be looked up.
    pub(crate) fn are_none(&self) -> bool {
        self.places.is_empty() && self.lookups.is_none()
    }

    /// Whether another way than the only given one remains.
    pub(crate) fn are_several(&self) -> bool {
        self.places.len() > 1 || self.lookups.is_some()
    }

    /// The given places: `127.0.0.1:1 or relay https://…`.
    pub(crate) fn places(&self) -> String {
        join(&self.places, " or ", "")
    }

    /// The addresses and look-ups that were tried: `127.0.0.1:1, look-up by mDNS`.
    pub(crate) fn tried(&self) -> String {
        if self.are_none() {
            return "nothing".to_owned();
        }
        let parts: Vec<String> = self.places.iter().chain(&self.found).cloned().collect();
        let lookups = self.lookups.clone().filter(|_| self.found.is_empty());
        [join(&parts, ", ", ""), lookups.unwrap_or_default()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// How each way failed, if none answered: `127.0.0.1:1 did not answer, look-up by mDNS found nothing`.
    pub(crate) fn silent(&self) -> String {
        let mut parts = Vec::new();
        if !self.places.is_empty() {
            parts.push(join(&self.places, ", ", " did not answer"));
        }
        match (&self.lookups, self.found.is_empty()) {
            (Some(lookups), true) => parts.push(format!("{lookups} found nothing")),
            (Some(lookups), false) => {
                parts.push(format!("of {lookups}, {}", join(&self.found, ", ", " did not answer")));
            }
            (None, _) => {}
        }
        if parts.is_empty() { "it did not answer".to_owned() } else { parts.join(", ") }
    }
}

/// Each part with `suffix`, up to [`MAX`] of them.
fn join(parts: &[String], separator: &str, suffix: &str) -> String {
    let mut listed: Vec<String> = parts.iter().take(MAX).map(|part| format!("{part}{suffix}")).collect();
    if parts.len() > MAX {
        listed.push(format!("{} more{suffix}", parts.len() - MAX));
    }
    listed.join(separator)
}

/// The look-ups of a network, in words.
fn lookups(network: &Network) -> Option<String> {
    let kinds = match network {
        Network::Internet => "DNS, pkarr and mDNS".to_owned(),
        Network::Lan => "mDNS".to_owned(),
        Network::Loopback => return None,
        Network::Custom(custom) => {
            let kinds =
                [(custom.dns_origin.is_some(), "DNS"), (custom.pkarr.is_some(), "pkarr"), (custom.mdns, "mDNS")];
            kinds.iter().filter_map(|(on, kind)| on.then_some(*kind)).collect::<Vec<&str>>().join(", ")
        }
    };
    (!kinds.is_empty()).then(|| format!("look-up by {kinds}"))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::identity::SecretKey;

    fn to(ports: std::ops::Range<u16>) -> PeerAddress {
        let addresses = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
        PeerAddress { addresses, ..PeerAddress::new(SecretKey::generate().public()) }
    }

    #[test]
    fn each_way_is_listed_with_its_outcome() {
        let ways = Ways::new(&Network::Loopback, &to(1..3));
        assert_eq!(ways.silent(), "127.0.0.1:1 did not answer, 127.0.0.1:2 did not answer");
        assert_eq!(
            (ways.tried(), ways.places()),
            ("127.0.0.1:1, 127.0.0.1:2".into(), "127.0.0.1:1 or 127.0.0.1:2".into())
        );
        let mut ways = Ways::new(&Network::Lan, &to(1..2));
        assert_eq!(ways.silent(), "127.0.0.1:1 did not answer, look-up by mDNS found nothing");
        assert_eq!(ways.tried(), "127.0.0.1:1, look-up by mDNS");
        let found = ["127.0.0.1:1", "127.0.0.1:9"].map(|address| TransportAddr::Ip(address.parse().expect("address")));
        ways.find(found.iter());
        assert_eq!(ways.silent(), "127.0.0.1:1 did not answer, of look-up by mDNS, 127.0.0.1:9 did not answer");
        assert_eq!(Ways::new(&Network::Loopback, &to(0..0)).tried(), "nothing");
    }

    #[test]
    fn many_addresses_are_counted() {
        let ways = Ways::new(&Network::Loopback, &to(1..33));
        assert!(ways.silent().ends_with("127.0.0.1:8 did not answer, 24 more did not answer"), "{}", ways.silent());
    }
}
