//! The immediate check of a connection, and the reason for it.
//!
//! `liveness` drops a silent connection at its own, slower pace. A check serves a caller with a reason to
//! suspect the connection.

use std::time::Duration;

use tokio::time::sleep;

use crate::connection::Connection;

/// Why a connection is checked. Determines its time to answer: that of the reason, or 3 RTT if that is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// A stream's acknowledgement is late. Without an answer the peer is dialled beside this connection.
    LateAck,
    /// The caller gave an unknown address of the peer. Without an answer this connection is dropped.
    Address,
    /// This newer connection replaces it. Dropped if the newer one answers and this one does not.
    Successor(u64),
}

impl Check {
    fn patience(self) -> Duration {
        Duration::from_millis(match self {
            Self::LateAck => 100,
            // Shorter than for a paused or overloaded peer: the caller said that the peer moved.
            Self::Address => 750,
            Self::Successor(_) => 250,
        })
    }
}

/// Pause between two checks for late acknowledgements, so that a peer that acknowledges slowly gets few of them.
const PAUSE: Duration = Duration::from_millis(100);

/// Checks a connection. `successor` is set for [`Check::Successor`]. Returns false if it does not answer: for [`Check::LateAck`] the peer
/// is then dialled beside it, else it is dropped.
pub(super) async fn answers(connection: &Connection, check: Check, successor: Option<&Connection>) -> bool {
    let limit = connection.rtt().map_or(Duration::ZERO, |rtt| rtt * 3).max(check.patience());
    let answered = match successor {
        Some(successor) => {
            let (old, new) = tokio::join!(connection.responds_within(limit), successor.responds_within(limit));
            old || !new
        }
        None => connection.responds_within(limit).await,
    };
    if answered && check == Check::LateAck {
        sleep(PAUSE).await;
    }
    answered
}
