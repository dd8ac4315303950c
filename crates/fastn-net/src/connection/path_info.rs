//! Network paths of a connection.

use std::time::Duration;

use futures_util::Stream as Events;
use iroh::endpoint::{Path, PathEvent};

use super::Connection;
use crate::{config::PeerAddress, options::OptionValue};

/// Declares each field once: its docs, name, type, and value. `$path` names the path that the values are read from.
macro_rules! path_info {
    (|$path:ident| $($(#[$doc:meta])* $field:ident: $type:ty = $value:expr;)*) => {
        /// A network path.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct PathInfo {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl PathInfo {
            fn of($path: &Path<'_>) -> Self {
                Self { $($field: $value,)* }
            }

            /// Name and value of each field, as they cross to JavaScript. A duration is in milliseconds.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, OptionValue<'_>)> {
                vec![$((stringify!($field), OptionValue::from(&self.$field)),)*]
            }
        }
    };
}

path_info! {
    |path|
    /// `ip:port`, or the relay's URL.
    address: String = match path.remote_addr() {
        iroh::TransportAddr::Ip(address) => address.to_string(),
        iroh::TransportAddr::Relay(url) => url.to_string(),
        other => other.to_string(),
    };
    /// Whether it goes through a relay.
    relay: bool = path.is_relay();
    /// Whether QUIC sends over it.
    selected: bool = path.is_selected();
    /// Round-trip time.
    rtt: Duration = path.rtt();
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
        self.0.quic.live().map_or_else(Vec::new, |quic| quic.paths().iter().map(|path| PathInfo::of(&path)).collect())
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
