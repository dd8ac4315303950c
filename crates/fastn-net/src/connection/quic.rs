//! iroh's connection, until it is closed.
//!
//! Each handle to iroh's connection keeps the endpoint's sockets open, even after the connection has closed. So the handle is
//! released at the close, and a last snapshot is kept.

use std::sync::{Arc, RwLock};

use futures_util::{Stream as Events, StreamExt, stream};
use iroh::endpoint::{Connection, ConnectionError, ConnectionStats, PathEvent, RecvStream, SendStream, VarInt};

/// A connection of iroh's that is there until its end.
pub(crate) struct Quic(RwLock<State>);

#[derive(Clone)]
enum State {
    Live(Arc<Connection>),
    Over(Arc<Over>),
}

/// What an ended connection knew last.
struct Over {
    why: ConnectionError,
    stats: ConnectionStats,
}

impl Quic {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(RwLock::new(State::Live(Arc::new(connection))))
    }

    pub(crate) async fn open_bi(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        match self.state() {
            State::Live(connection) => connection.open_bi().await,
            State::Over(over) => Err(over.why.clone()),
        }
    }

    pub(crate) async fn accept_bi(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        match self.state() {
            State::Live(connection) => connection.accept_bi().await,
            State::Over(over) => Err(over.why.clone()),
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
            State::Over(over) => over.why.clone(),
        }
    }

    pub(crate) fn close_reason(&self) -> Option<ConnectionError> {
        match self.state() {
            State::Live(connection) => connection.close_reason(),
            State::Over(over) => Some(over.why.clone()),
        }
    }

    pub(crate) fn stats(&self) -> ConnectionStats {
        match self.state() {
            State::Live(connection) => connection.stats(),
            State::Over(over) => over.stats.clone(),
        }
    }

    /// One for each path that opens, closes or is selected, until the end.
    pub(crate) fn path_events(&self) -> impl Events<Item = PathEvent> + Send + Unpin + 'static {
        stream::iter(self.live().map(|connection| connection.path_events())).flatten()
    }

    /// iroh's connection, for its paths; a closed one has none. Do not keep the handle.
    pub(crate) fn live(&self) -> Option<Arc<Connection>> {
        match self.state() {
            State::Live(connection) => Some(connection),
            State::Over(_) => None,
        }
    }

    /// Releases iroh's connection if it is closed.
    pub(crate) fn let_go(&self) {
        let Some(connection) = self.live() else { return };
        let Some(why) = connection.close_reason() else { return };
        let over = State::Over(Arc::new(Over { why, stats: connection.stats() }));
        let before = std::mem::replace(&mut *self.0.write().expect("no panic while held"), over);
        drop(before);
    }

    fn state(&self) -> State {
        self.0.read().expect("no panic while held").clone()
    }
}
