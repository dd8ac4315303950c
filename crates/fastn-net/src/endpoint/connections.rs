//! Registry of live connections, and the ack outcomes of recently closed ones.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    connection::{Connection, deliveries::Deliveries},
    counters::Counters,
    error::{Error, Result},
    lifecycle::Lifecycle,
    routing::Router,
    wire::codes::close,
};

/// Closed connections whose finished streams can still be queried. The oldest are forgotten first.
const MAX_CLOSED: usize = 1024;

/// Ack outcomes of a closed connection's streams. Holds no QUIC handle.
#[derive(Clone)]
pub(crate) struct ClosedConnection {
    id: u64,
    deliveries: Arc<Deliveries>,
    error: Error,
}

/// The live connections of an endpoint, by id.
#[derive(Debug)]
pub(crate) struct ConnectionRegistry {
    connections: Mutex<HashMap<u64, Connection>>,
    closed: Mutex<VecDeque<ClosedConnection>>,
    lifecycle: Arc<Lifecycle>,
    counters: Arc<Counters>,
    router: Arc<Router>,
}

impl ConnectionRegistry {
    pub(crate) fn new(lifecycle: Arc<Lifecycle>, counters: Arc<Counters>, router: Arc<Router>) -> Self {
        Self { connections: Mutex::default(), closed: Mutex::default(), lifecycle, counters, router }
    }

    pub(crate) fn get(&self, id: u64) -> Option<Connection> {
        self.lock().get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Connection> {
        self.lock().values().cloned().collect()
    }

    /// Adds a connection. Closes it with the shutdown code if the endpoint is closing.
    pub(crate) fn insert(&self, connection: &Connection) {
        self.lock().insert(connection.id(), connection.clone());
        if self.lifecycle.is_closing() {
            connection.close_internal(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    /// Removes a connection, adds its counters to the totals, and ends its listeners.
    pub(crate) fn remove(&self, connection: &Connection) {
        self.remember(connection);
        if let Some(connection) = self.lock().remove(&connection.id()) {
            self.keep_bytes(&connection);
        }
        // After the removal: a later listener finds the connection closed.
        self.router.connection_ended(connection.id());
    }

    /// Removes all remaining connections, and releases their QUIC handles.
    pub(crate) fn clear(&self) {
        let mut connections = self.lock();
        let left: Vec<Connection> = connections.drain().map(|(_, connection)| connection).collect();
        for connection in &left {
            self.remember(connection);
            self.keep_bytes(connection);
        }
        drop(connections);
        // A connection that never had a task has no other owner that releases its handles.
        left.iter().for_each(Connection::release_quic);
    }

    /// Closes every connection with the shutdown code.
    pub(crate) fn close_all(&self) {
        for connection in self.lock().values() {
            connection.close_internal(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    /// A recently closed connection.
    pub(crate) fn closed(&self, id: u64) -> Option<ClosedConnection> {
        self.closed.lock().expect("no panic while held").iter().rfind(|closed| closed.id == id).cloned()
    }

    fn remember(&self, connection: &Connection) {
        let (id, deliveries, error) = (connection.id(), Arc::clone(connection.deliveries()), connection.lost_error());
        let mut closed = self.closed.lock().expect("no panic while held");
        if closed.len() == MAX_CLOSED {
            closed.pop_front();
        }
        closed.push_back(ClosedConnection { id, deliveries, error });
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<u64, Connection>> {
        self.connections.lock().expect("no panic while held")
    }

    /// Call under the lock: so the metrics count each connection's bytes exactly once.
    fn keep_bytes(&self, connection: &Connection) {
        let stats = connection.stats();
        self.counters.keep_bytes(stats.bytes_sent, stats.bytes_received);
    }
}

impl ClosedConnection {
    /// Like [`Connection::acknowledged`].
    pub(crate) async fn delivered(&self, stream: u64) -> Result<()> {
        self.deliveries.delivered(stream).await.map_err(|expired| expired.unwrap_or_else(|| self.error.clone()))
    }
}

impl fmt::Debug for ClosedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedConnection").field("id", &self.id).finish_non_exhaustive()
    }
}
