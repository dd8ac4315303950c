//! Inputs and actions of the table.

use std::time::Duration;

use crate::{config::Connect, connection::TrafficSnapshot, peer::Check};

/// An input of the table.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A request waits for a connection. `first_attempt`: it has seen no failure yet.
    Wanted {
        request: u64,
        retries: Option<u32>,
        first_attempt: bool,
    },
    /// The request was cancelled.
    Unwanted(u64),
    Kept,
    Unkept,
    /// A new address was added.
    AddressAdded,
    Dialled(ConnectionFacts),
    /// `permanent`: a redial would fail the same way.
    DialFailed {
        permanent: bool,
    },
    Inbound(ConnectionFacts),
    /// `useful`: it carried a stream byte, or lasted for a second.
    Lost {
        id: u64,
        useful: bool,
        permanent: bool,
    },
    /// It was unused, and is closed now.
    Ended(u64),
    /// It was unused, and is used now.
    Activated(u64, TrafficSnapshot),
    Pinged(u64, TrafficSnapshot),
    /// A stream that we opened on it was refused, or not acknowledged in time.
    Stalled(u64),
    Challenged {
        id: u64,
        answered: bool,
    },
    /// The ack of a stream that we opened on it is late.
    AckLate(u64),
    /// Result of [`Action::Check`].
    Checked {
        id: u64,
        check: Check,
        answered: bool,
    },
    /// The time of [`Table::deadline`] has come. Carries a sample of each connection in [`Table::due`].
    Time(Vec<(u64, TrafficSnapshot)>),
    Shutdown,
}

/// An output of the table. Executed in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Dial,
    /// Ping it, and report the answer.
    Ping(u64),
    /// Ping it, and report whether it answered within max(3 RTT, 1 s).
    Challenge(u64),
    /// Check it at once, and report whether it answered.
    Check(u64, Check),
    /// Uses this connection for new streams, and answers all waiting requests with it.
    Prefer(u64),
    /// No connection accepts new streams.
    PreferNone,
    /// Uses this connection for no new stream. Its dialler closes it once it is unused.
    Retire(u64),
    /// Close it if it is still unused.
    End(u64),
    /// Close it: it does not answer.
    Drop(u64),
    /// Fail this request with the last failure, or "closed".
    Fail(u64),
    /// Forgets the peer, unless it is held elsewhere.
    Forget,
}

/// Constant inputs of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) connect: Connect,
    pub(crate) idle_timeout: Duration,
    pub(crate) ping_timeout: Duration,
}

/// The table's knowledge of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionFacts {
    pub(crate) id: u64,
    /// This side dialled it.
    pub(crate) dialled: bool,
    /// It speaks `/fastn-net/1`.
    pub(crate) is_native: bool,
}
