//! This endpoint's own relays: waiting for one, and what is wrong with them.

use std::time::Duration;

use iroh::{Watcher, endpoint::RelayStatus};
use iroh_tickets::{Ticket, endpoint::EndpointTicket};
use tracing::warn;

use crate::{endpoint::Endpoint, logging::target, shared::Shared};

impl Endpoint {
    /// The address as text in iroh's `endpoint…` form. Where relays are on it waits for the home relay, at most `limit`, and no
    /// longer once the relay refuses this endpoint (see [`Endpoint::relay_refusal`]). Cancel safe.
    pub async fn ticket(&self, limit: Duration) -> String {
        let mut is_refused = false;
        if self.shared().config().network.has_relays() {
            // Without a relay the ticket still tells the addresses: better than none.
            let online = tokio::time::timeout(limit, online(self.shared()));
            let online = self.shared().ending.run_until_cancelled(online).await;
            let refusal = online.and_then(Result::ok).flatten();
            if let Some(refusal) = &refusal {
                warn!(target: target::ENDPOINT, endpoint = %self.id(), "a ticket without a relay: {refusal}");
            }
            is_refused = refusal.is_some();
            *self.shared().relay_refusal() = refusal;
        }
        let mut address = self.address();
        if is_refused {
            // iroh names its home relay, connected or not.
            address.relays.clear();
        }
        EndpointTicket::new(address.to_iroh()).encode_string()
    }

    /// Why the last ticket has no relay, where the relay refused this endpoint.
    #[must_use]
    pub fn relay_refusal(&self) -> Option<String> {
        self.shared().relay_refusal().clone()
    }
}

/// Waits until a relay is connected, or refuses this endpoint: then it gives why.
async fn online(shared: &Shared) -> Option<String> {
    let _held = shared.half_open.hold();
    let iroh = shared.iroh()?;
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

/// What is wrong with this endpoint's own relay, in words.
pub(crate) fn trouble(shared: &Shared) -> Option<String> {
    let relays = shared.iroh().filter(|_| shared.config().network.has_relays())?.home_relay_status().get();
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

fn refusal(relay: &RelayStatus) -> Option<String> {
    let (url, reason) = (relay.url(), relay.auth_denied_reason()?);
    Some(format!("the relay {url} does not let this endpoint in ({reason}): give the token that it asks for"))
}
