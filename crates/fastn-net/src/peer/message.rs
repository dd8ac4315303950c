//! Messages to the actor.

use tokio::sync::oneshot;

use super::{Check, dial};
use crate::{connection::Connection, error::Result, wire::codes::close};

/// A message to the actor. The senders bound their number: one for each request or connection.
#[derive(Debug)]
pub(crate) enum Message {
    Wanted {
        request: u64,
        answer: oneshot::Sender<Result<Connection>>,
        retries: Option<u32>,
        first_attempt: bool,
    },
    Unwanted(u64),
    /// The number of [`KeepConnected`] handles has changed.
    KeepCountChanged,
    /// A new address was added.
    AddressAdded,
    Inbound(Connection),
    Dialled(Result<Connection, dial::Failed>),
    Challenged(u64, bool),
    AckLate(u64),
    Checked {
        id: u64,
        check: Check,
        answered: bool,
    },
    Pinged(u64),
    /// A connection that nothing used is used again.
    Activated(u64),
    /// A connection has more streams than its receive window covers.
    ThresholdExceeded(u64),
    /// An older peer refused or ignored one of our streams on this connection, and accepts no further one.
    Stalled(u64),
    /// The timer that the table set has expired.
    Time,
    Lost(u64),
    Shutdown,
    #[cfg(test)]
    Panic,
}

impl Message {
    /// Rejects a message to an actor that is gone.
    pub(super) fn reject(self) {
        if let Self::Inbound(connection) | Self::Dialled(Ok(connection)) = self {
            connection.close_internal(close::SHUTDOWN, "this endpoint is closing");
        }
    }
}
