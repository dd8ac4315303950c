//! Who may use an endpoint, changed while it runs.

use super::Endpoint;
use crate::{
    authorization::{AuthorizationRequests, Rejection},
    config::AccessLists,
    error::Result,
};

impl Endpoint {
    /// The access lists: which peers may connect and use the served protocols.
    #[must_use]
    pub fn access(&self) -> AccessLists {
        self.inner().authorization.access().lists()
    }

    /// Changes the access lists. Closes the connections of denied peers at once, including dialled ones. Resets their queued
    /// streams, so that no listener gets one afterwards.
    pub fn change_access(&self, change: impl FnOnce(&mut AccessLists)) {
        let authorization = &self.inner().authorization;
        authorization.access().change(change);
        // Close after the change: a connection listed from now on was checked against the new lists.
        for connection in self.inner().connections.all() {
            if let Err(Rejection { code, reason }) = authorization.check_lists(&connection.remote()) {
                connection.close_internal(code, reason);
            }
        }
        // Purge after the closes: a consumer that takes a stream or connection from a queue checks the lists again.
        self.inner().router.purge_denied();
        self.inner().connection_queue.purge_ended();
    }

    /// The authorization requests of [`Authorize`](crate::config::Authorize).
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` when authorization is not configured, or the requests are already taken.
    pub fn authorization_requests(&self) -> Result<AuthorizationRequests> {
        self.inner().authorization.requests()
    }
}
