//! iroh's connection, released once it is closed.
//!
//! Each handle to iroh's connection keeps the endpoint's sockets open, even after the connection has closed. So the handle is
//! released at the close, and a last snapshot is kept.

use std::sync::{Arc, RwLock};

use futures_util::{Stream as Events, StreamExt, stream};
use iroh::endpoint::{Connection, ConnectionError, ConnectionStats, PathEvent, RecvStream, SendStream, VarInt};

/// Handle to iroh's connection, or its last snapshot once released.
pub(crate) struct Quic(RwLock<State>);

#[derive(Clone)]
enum State {
    Live(Arc<Connection>),
    Released(Arc<Snapshot>),
}

/// Last values of a closed connection.
struct Snapshot {
    error: ConnectionError,
    stats: ConnectionStats,
}

impl Quic {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(RwLock::new(State::Live(Arc::new(connection))))
    }

    pub(crate) async fn open_bi(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        match self.state() {
            State::Live(connection) => connection.open_bi().await,
            State::Released(last) => Err(last.error.clone()),
        }
    }

    pub(crate) async fn accept_bi(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        match self.state() {
            State::Live(connection) => connection.accept_bi().await,
            State::Released(last) => Err(last.error.clone()),
        }
    }

    pub(crate) fn close(&self, code: VarInt, reason: &[u8]) {
        if let State::Live(connection) = self.state() {
            connection.close(code, reason);
        }
    }

    pub(crate) async fn closed(&self) -> ConnectionError {
        match self.state() {
            State::Live(connection) => connection.closed().await,
            State::Released(last) => last.error.clone(),
        }
    }

    pub(crate) fn close_reason(&self) -> Option<ConnectionError> {
        match self.state() {
            State::Live(connection) => connection.close_reason(),
            State::Released(last) => Some(last.error.clone()),
        }
    }

    pub(crate) fn stats(&self) -> ConnectionStats {
        match self.state() {
            State::Live(connection) => connection.stats(),
            State::Released(last) => last.stats.clone(),
        }
    }

    /// Yields an event for each path that opens, closes or is selected, until the connection closes.
    pub(crate) fn path_events(&self) -> impl Events<Item = PathEvent> + Send + Unpin + 'static {
        stream::iter(self.live().map(|connection| connection.path_events())).flatten()
    }

    /// iroh's connection, unless released. Do not keep the handle.
    pub(crate) fn live(&self) -> Option<Arc<Connection>> {
        match self.state() {
            State::Live(connection) => Some(connection),
            State::Released(_) => None,
        }
    }

    /// Releases iroh's connection. No-op while it is live.
    pub(crate) fn release(&self) {
        let Some(connection) = self.live() else { return };
        let Some(error) = connection.close_reason() else { return };
        let last = State::Released(Arc::new(Snapshot { error, stats: connection.stats() }));
        let before = std::mem::replace(&mut *self.0.write().expect("no panic while held"), last);
        drop(before);
    }

    fn state(&self) -> State {
        self.0.read().expect("no panic while held").clone()
    }
}
