//! Connections that are held.

use std::ops::Deref;

use super::{ActiveGuard, Connection};

/// A connection that is held: it counts as used, and is not closed for idleness, until this is dropped.
#[derive(Debug)]
pub struct ConnectionGuard {
    connection: Connection,
    _used: ActiveGuard,
}

impl ConnectionGuard {
    /// `None` once the connection accepts no new user.
    pub(crate) fn new(connection: &Connection) -> Option<Self> {
        Some(Self { connection: connection.clone(), _used: connection.enter()? })
    }
}

impl Deref for ConnectionGuard {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
