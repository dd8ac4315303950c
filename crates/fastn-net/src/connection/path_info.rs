//! Network paths of a connection.

use std::time::Duration;

use futures_util::Stream as Events;
use iroh::endpoint::{Path, PathEvent};

use super::Connection;
use crate::config::PeerAddress;

/// A network path.
#[derive(Clone, Debug)]
pub struct PathInfo {
    /// `ip:port`, or the relay's URL.
    pub address: String,
    /// Whether it goes through a relay.
    pub relay: bool,
    /// Whether QUIC sends over it.
    pub selected: bool,
    /// Round-trip time.
    pub rtt: Duration,
}

impl Connection {
    /// Round-trip time of the selected path.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        let quic = self.0.quic.live()?;
        let paths = quic.paths();
        paths.iter().find(Path::is_selected).or_else(|| paths.iter().next()).map(|p| p.rtt())
    }

    /// Snapshot of all paths. Empty once the connection is closed.
    #[must_use]
    pub fn paths(&self) -> Vec<PathInfo> {
        let info = |path: Path<'_>| PathInfo {
            address: match path.remote_addr() {
                iroh::TransportAddr::Ip(address) => address.to_string(),
                iroh::TransportAddr::Relay(url) => url.to_string(),
                other => other.to_string(),
            },
            relay: path.is_relay(),
            selected: path.is_selected(),
            rtt: path.rtt(),
        };
        self.0.quic.live().map_or_else(Vec::new, |quic| quic.paths().iter().map(info).collect())
    }

    /// The peer's addresses, from the paths.
    pub(crate) fn remote_addresses(&self) -> PeerAddress {
        let mut address = PeerAddress::new(self.0.peer);
        let Some(quic) = self.0.quic.live() else { return address };
        for path in quic.paths().iter() {
            match path.remote_addr() {
                iroh::TransportAddr::Ip(at) => address.addresses.push(*at),
                iroh::TransportAddr::Relay(url) => address.relays.push(url.clone()),
                _ => {}
            }
        }
        address
    }

    /// Yields an event for each path that opens, closes or is selected, until the connection ends.
    pub(crate) fn path_events(&self) -> impl Events<Item = PathEvent> + Send + Unpin + 'static {
        self.0.quic.path_events()
    }
}
