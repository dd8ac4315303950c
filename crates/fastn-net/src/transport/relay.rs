//! The endpoint's own relays: waiting for one, and describing their faults.

use iroh::{Watcher, endpoint::RelayStatus};

use super::Transport;

impl Transport {
    /// Waits until a relay is connected, or refuses this endpoint. Returns the reason of a refusal.
    pub(crate) async fn relay_online(&self) -> Option<String> {
        let _held = self.half_open.hold();
        let iroh = self.iroh()?;
        let mut status = iroh.home_relay_status();
        let mut relays = status.get();
        loop {
            if relays.iter().any(RelayStatus::is_connected) {
                return None;
            }
            let mut refusals = relays.iter().map(refusal);
            if let Some(Some(first)) = refusals.next()
                && refusals.all(|refusal| refusal.is_some())
            {
                return Some(first);
            }
            relays = status.updated().await.ok()?;
        }
    }

    /// Describes the fault of this endpoint's own relay, if any.
    pub(crate) fn relay_trouble(&self) -> Option<String> {
        let relays = self.iroh().filter(|_| self.network.has_relays())?.home_relay_status().get();
        let Some(relay) = relays.first() else {
            return Some("none of this endpoint's relays has answered yet".to_owned());
        };
        if relay.is_connected() {
            return None;
        }
        Some(refusal(relay).unwrap_or_else(|| {
            let url = relay.url();
            match relay.last_error() {
                Some(error) => format!("the relay {url} cannot be reached: {error:#}"),
                None => format!("there is no connection to the relay {url}"),
            }
        }))
    }
}

fn refusal(relay: &RelayStatus) -> Option<String> {
    let (url, reason) = (relay.url(), relay.auth_denied_reason()?);
    Some(format!("the relay {url} does not let this endpoint in ({reason}): give the token that it asks for"))
}
