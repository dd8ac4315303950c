//! The address of an endpoint as text.

use std::time::Duration;

use iroh_tickets::{Ticket, endpoint::EndpointTicket};
use tracing::warn;

use super::Endpoint;
use crate::log_target;

impl Endpoint {
    /// The address as text in iroh's `endpoint…` form. If relays are enabled, waits for the home relay, at most `limit`, or until the
    /// relay refuses this endpoint (see [`Endpoint::relay_refusal`]). Cancel-safe.
    pub async fn ticket(&self, limit: Duration) -> String {
        let inner = self.inner();
        let mut is_refused = false;
        if inner.transport.network().has_relays() {
            // A ticket without a relay still carries the addresses.
            let online = tokio::time::timeout(limit, inner.transport.relay_online());
            let online = inner.lifecycle.ending.run_until_cancelled(online).await;
            let refusal = online.and_then(Result::ok).flatten();
            if let Some(refusal) = &refusal {
                warn!(target: log_target::ENDPOINT, endpoint = %self.id(), "a ticket without a relay: {refusal}");
            }
            is_refused = refusal.is_some();
            *inner.relay_refusal() = refusal;
        }
        let mut address = self.address();
        if is_refused {
            // iroh names its home relay, connected or not.
            address.relays.clear();
        }
        EndpointTicket::new(address.to_iroh()).encode_string()
    }

    /// Why the last ticket has no relay, if the relay refused this endpoint.
    #[must_use]
    pub fn relay_refusal(&self) -> Option<String> {
        self.inner().relay_refusal().clone()
    }
}
