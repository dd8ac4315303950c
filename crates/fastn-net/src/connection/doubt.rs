//! Alarm for a connection that may be dead.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Connection, users::Alarm};

/// Between two looks at the bytes that were received.
const LOOK: Duration = Duration::from_millis(2);

/// One connection's.
#[derive(Default)]
pub(crate) struct Doubt {
    alarm: OnceLock<Alarm>,
    /// The alarm was raised, and not heard yet.
    raised: AtomicBool,
}

impl Connection {
    /// Sets the alarm that [`Connection::doubt`] raises. Call once.
    pub(crate) fn on_doubt(&self, alarm: Alarm) {
        let _ = self.0.doubt.alarm.set(alarm);
    }

    /// A peer that lives would have answered by now: the peer's actor checks the connection at once. Harmless to a connection
    /// that is alive.
    pub(crate) fn doubt(&self) {
        if let Some(alarm) = self.0.doubt.alarm.get()
            && !self.0.doubt.raised.swap(true, Ordering::AcqRel)
        {
            alarm();
        }
    }

    /// Whether a byte comes within the limit. Asks by what QUIC itself answers: the peer's program sees nothing of it, and neither a
    /// stream's place nor room for a byte is needed.
    pub(crate) async fn answers(&self, limit: Duration) -> bool {
        let before = self.stats().bytes_received;
        let heard = || self.stats().bytes_received != before;
        let until = Instant::now() + limit;
        while self.is_live() && !heard() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // Two packets: QUIC may delay the acknowledgement of one.
            if left > limit.saturating_sub(LOOK * 2) {
                self.probe();
            }
            sleep(LOOK.min(left)).await;
        }
        self.is_live()
    }

    /// The actor has heard of it.
    pub(crate) fn doubt_heard(&self) {
        self.0.doubt.raised.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doubt")
    }
}
