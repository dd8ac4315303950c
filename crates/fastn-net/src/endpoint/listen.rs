//! Listeners for streams and connections.

use super::Endpoint;
use crate::{
    error::{Code, Error, Result},
    protocol::Protocol,
    routing::{AckMode, ConnectionListener, Listener, PendingListener, QueueLimits},
};

impl Endpoint {
    /// Serves some protocols; with `connection`, only on that connection, until it closes. `fallback` adds every Generic protocol without
    /// a listener of its own. A listener of a connection takes precedence over one of the endpoint. While a listener of the whole
    /// endpoint exists, the endpoint accepts connections.
    ///
    /// # Errors
    ///
    /// `ERR_PROTOCOL_IN_USE`, `ERR_SHUTTING_DOWN`, `ERR_CLOSED`.
    pub fn listen(&self, connection: Option<u64>, protocols: &[Protocol], fallback: bool) -> Result<Listener> {
        self.listen_as(connection, protocols, fallback, AckMode::Automatic)
    }

    /// Like [`Endpoint::listen`], but acknowledges no stream: the program accepts or refuses each
    /// [`PendingStream`](crate::PendingStream).
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::listen`].
    pub fn listen_pending(
        &self,
        connection: Option<u64>,
        protocols: &[Protocol],
        fallback: bool,
    ) -> Result<PendingListener> {
        self.listen_as(connection, protocols, fallback, AckMode::Manual).map(PendingListener::new)
    }

    fn listen_as(
        &self,
        connection: Option<u64>,
        protocols: &[Protocol],
        fallback: bool,
        acks: AckMode,
    ) -> Result<Listener> {
        self.check_open()?;
        let limits = self.0.limits();
        let queue_limits =
            QueueLimits { total: limits.max_queued_streams, per_peer: limits.max_queued_streams_per_peer };
        let listener = self.0.router.listen(connection, protocols, fallback, acks, queue_limits)?;
        if let Some(id) = connection {
            match self.0.connections.get(id) {
                Some(connection) => connection.end_listener_grace(),
                None => self.0.router.connection_ended(id),
            }
        }
        self.0.router.notify_changed();
        if connection.is_none() {
            self.0.offer_alpns();
        }
        Ok(listener)
    }

    /// Listens for incoming connections.
    ///
    /// # Errors
    ///
    /// `ERR_PROTOCOL_IN_USE` while another listener for connections exists, `ERR_SHUTTING_DOWN`, `ERR_CLOSED`.
    pub fn listen_connections(&self) -> Result<ConnectionListener> {
        self.check_open()?;
        let listener = self.0.connection_queue.listen()?;
        self.0.offer_alpns();
        Ok(listener)
    }

    /// Number of streams that wait for their listener.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.router.queued()
    }

    fn check_open(&self) -> Result<()> {
        if self.0.router.is_closed() && !self.0.lifecycle.is_closing() {
            return Err(Error::new(Code::ShuttingDown, "this endpoint is shutting down: it accepts no new work"));
        }
        Ok(())
    }
}
