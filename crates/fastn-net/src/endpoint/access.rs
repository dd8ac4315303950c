//! Who may use an endpoint, changed while it runs.

use super::Endpoint;
use crate::{
    authorization::{AuthorizationRequests, Rejection},
    config::AccessLists,
    error::Result,
};

impl Endpoint {
    /// Who may connect and use what is served here.
    #[must_use]
    pub fn access(&self) -> AccessLists {
        self.inner().authorization.access().lists()
    }

    /// Changes who may. Connections of those who may no longer are closed at once, those that we made included. Their queued
    /// streams are reset: a listener gets none of them afterwards.
    pub fn change_access(&self, change: impl FnOnce(&mut AccessLists)) {
        let authorization = &self.inner().authorization;
        authorization.access().change(change);
        // Behind the change: whoever is listed from now on was looked up in the new lists.
        for connection in self.inner().connections.all() {
            if let Err(Rejection { code, reason }) = authorization.check_lists(&connection.remote()) {
                connection.close_own(code, reason);
            }
        }
        // Behind the closes: whoever takes a stream or connection from a queue looks as well.
        self.inner().router.purge_denied();
        self.inner().inbound.purge_ended();
    }

    /// The questions that [`Authorize`](crate::config::Authorize) asks for.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` when nothing is asked here, or somebody takes them already.
    pub fn questions(&self) -> Result<AuthorizationRequests> {
        self.inner().authorization.requests()
    }
}
