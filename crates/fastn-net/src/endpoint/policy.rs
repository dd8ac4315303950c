//! The policy of an endpoint. It can change while the endpoint runs.

use super::Endpoint;
use crate::{
    authorization::Rejection,
    config::{AccessDecision, Policy},
    identity::PublicKey,
    protocol::Protocol,
};

impl Endpoint {
    /// Replaces the policy, which decides about the streams that peers open. Pings are always answered. `None`: no policy, so that every
    /// stream is admitted. The access lists and the authorizer of peers apply as well.
    ///
    /// Before it returns, ends everything that the new policy does not allow:
    ///
    /// - An incoming connection of a peer that may use nothing is closed, with the code 0x104.
    /// - An open stream is reset and stopped with the code 0x105, and fails here with `ERR_UNAUTHORIZED`. A stream that no task reads or
    ///   writes is reset by its next call: see [`Stream::end_if_revoked`](crate::Stream::end_if_revoked).
    /// - A queued stream is refused, even one from before the first policy.
    ///
    /// Streams that a listener handed out while there was no policy continue.
    pub fn set_policy(&self, policy: Option<Policy>) {
        let inner = self.inner();
        inner.authorization.set_policy(policy);
        // After the change: later connections and streams are checked against the new policy.
        for connection in inner.connections.all() {
            match inner.authorization.check_connection(&connection.remote()) {
                Err(Rejection { close_code, reason }) if !connection.is_dialled() => {
                    connection.close_internal(close_code, reason);
                }
                _ => inner.authorization.revoke(&connection),
            }
        }
        inner.router.purge_denied();
        inner.connection_queue.purge_ended();
    }

    /// Explains the decision about a stream of this protocol that the peer opens: the access lists decide, then the policy. Counts nothing.
    #[must_use]
    pub fn explain(&self, peer: &PublicKey, protocol: &Protocol) -> AccessDecision {
        self.inner().authorization.explain(peer, protocol)
    }
}
