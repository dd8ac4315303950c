//! Access lists and authorization of an endpoint. Both can change while it runs.

use super::Endpoint;
use crate::{
    authorization::{AuthorizationRequests, Authorizer, Rejection},
    config::AccessLists,
    error::Result,
};

impl Endpoint {
    /// The access lists: which peers may connect and use the served protocols.
    #[must_use]
    pub fn access(&self) -> AccessLists {
        self.inner().authorization.access().lists()
    }

    /// Changes the access lists. Closes the connections of peers that lose access at once, including dialled ones. Resets their queued
    /// streams, so that no listener gets one afterwards.
    ///
    /// A connection that this endpoint dialled to a peer without access before the change continues: such a peer need not be admitted.
    pub fn change_access(&self, change: impl FnOnce(&mut AccessLists)) {
        let authorization = &self.inner().authorization;
        let changed = authorization.access().change(change);
        // Close after the change: a connection listed from now on was checked against the new lists.
        for connection in self.inner().connections.all() {
            let peer = connection.remote();
            if connection.is_dialled() && !changed.excludes(&peer) {
                continue;
            }
            if let Err(Rejection { close_code, reason }) = authorization.check_lists(&peer) {
                connection.close_internal(close_code, reason);
            }
        }
        // Purge after the closes: a consumer that takes a stream or connection from a queue checks the lists again.
        self.inner().router.purge_denied();
        self.inner().connection_queue.purge_ended();
    }

    /// Installs the authorizer, once. Until then, requests of [`Authorize`](crate::config::Authorize) wait within their time limit.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` when authorization is not configured, or has an authorizer.
    pub fn set_authorizer(&self, authorizer: impl Authorizer) -> Result<()> {
        self.inner().authorization.pending()?.set_authorizer(authorizer)
    }

    /// Installs a queue of requests as the authorizer, for a program that polls. See [`Endpoint::set_authorizer`].
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::set_authorizer`].
    pub fn authorization_requests(&self) -> Result<AuthorizationRequests> {
        self.inner().authorization.pending()?.requests()
    }
}
