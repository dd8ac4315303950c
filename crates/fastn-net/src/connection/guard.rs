//! Guards that keep a connection in use.

use std::ops::Deref;

use super::{ActiveGuard, Connection};

/// Keeps a connection in use until dropped: the idle timeout does not close it.
#[derive(Debug)]
pub struct ConnectionGuard {
    connection: Connection,
    _active: ActiveGuard,
}

impl ConnectionGuard {
    /// `None` once the connection is shut.
    pub(crate) fn new(connection: &Connection) -> Option<Self> {
        Some(Self { connection: connection.clone(), _active: connection.acquire()? })
    }
}

impl Deref for ConnectionGuard {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
