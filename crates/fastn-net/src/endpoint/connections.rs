//! The live connections of an endpoint.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{connection::Connection, counters::Counters, lifecycle::Lifecycle, routing::Router, wire::codes::close};

/// The live connections of an endpoint, by id.
#[derive(Debug)]
pub(crate) struct ConnectionRegistry {
    connections: Mutex<HashMap<u64, Connection>>,
    lifecycle: Arc<Lifecycle>,
    counters: Arc<Counters>,
    router: Arc<Router>,
}

impl ConnectionRegistry {
    pub(crate) fn new(lifecycle: Arc<Lifecycle>, counters: Arc<Counters>, router: Arc<Router>) -> Self {
        Self { connections: Mutex::default(), lifecycle, counters, router }
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
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    /// Removes a connection, adds its counters to the totals, and ends its listeners.
    pub(crate) fn remove(&self, connection: &Connection) {
        if let Some(connection) = self.lock().remove(&connection.id()) {
            self.keep_bytes(&connection);
        }
        // Removed first: a later listener finds the connection closed.
        self.router.connection_ended(connection.id());
    }

    /// Removes all remaining connections, and releases their QUIC handles.
    pub(crate) fn clear(&self) {
        let mut connections = self.lock();
        let left: Vec<Connection> = connections.drain().map(|(_, connection)| connection).collect();
        for connection in &left {
            self.keep_bytes(connection);
        }
        drop(connections);
        // A connection that never had a task has no other owner that releases its handles.
        left.iter().for_each(Connection::let_go);
    }

    /// Closes every connection with the shutdown code.
    pub(crate) fn close_all(&self) {
        for connection in self.lock().values() {
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<u64, Connection>> {
        self.connections.lock().expect("no panic while held")
    }

    /// Called under the lock: the metrics text never counts the bytes of a connection twice, or not at all.
    fn keep_bytes(&self, connection: &Connection) {
        let stats = connection.stats();
        self.counters.keep_bytes(stats.bytes_sent, stats.bytes_received);
    }
}
