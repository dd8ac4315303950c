//! Inputs and actions of the table.

use std::time::Duration;

use crate::{config::Connect, connection::TrafficSnapshot, peer::Check};

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A request waits for a connection. `first_attempt`: it has seen no failure yet.
    Wanted {
        request: u64,
        retries: Option<u32>,
        first_attempt: bool,
    },
    /// It gave up.
    Unwanted(u64),
    Kept,
    Unkept,
    /// There is a new address to try.
    AddressAdded,
    Dialled(Link),
    /// `permanent`: a redial would fail the same way.
    DialFailed {
        permanent: bool,
    },
    Inbound(Link),
    /// `useful`: it carried a stream byte, or lasted.
    Lost {
        link: u64,
        useful: bool,
        permanent: bool,
    },
    /// It was unused, and takes no use any more.
    Ended(u64),
    /// It was unused, and is used now.
    Activated(u64, TrafficSnapshot),
    Pinged(u64, TrafficSnapshot),
    /// A stream that we opened on it was refused, or not acknowledged in time.
    Stalled(u64),
    Challenged {
        link: u64,
        answered: bool,
    },
    /// A stream that we opened on it lacks its acknowledgement for longer than a live peer takes.
    AckLate(u64),
    /// What came of [`Action::Check`].
    Checked {
        link: u64,
        check: Check,
        answered: bool,
    },
    /// What [`Table::deadline`] named has come; with a look at each of [`Table::due`].
    Time(Vec<(u64, TrafficSnapshot)>),
    Shutdown,
}

/// What to do about it, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Dial,
    /// Ping it, and say when it answered.
    Ping(u64),
    /// Ping it, and say whether it answered within max(3 RTT, 1 s).
    Challenge(u64),
    /// Check it at once, and say whether it answered.
    Check(u64, Check),
    /// Uses this connection for new streams, and answers all waiting requests with it.
    Prefer(u64),
    /// There is nothing to open streams on.
    PreferNone,
    /// Uses this connection for no new stream. Its dialler closes it once it is unused.
    Retire(u64),
    /// Nothing uses it: close it, unless something does by now.
    End(u64),
    /// It does not answer: close it.
    Drop(u64),
    /// This request gets the last failure, or "closed".
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
pub(crate) struct Link {
    pub(crate) id: u64,
    /// We made it.
    pub(crate) dialled: bool,
    /// It speaks `/fastn-net/1`.
    pub(crate) is_native: bool,
}
