//! Detects an older peer that stopped accepting streams on a connection.
//!
//! Older peers accept the streams of a connection one after another. A stream of an unknown protocol ends their accept loop. A
//! stream without a header blocks it, and an HTTP request blocks malai's until it is answered. Later streams get no acknowledgement
//! then.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::active_count::Alarm;

/// Whether the accept loop of an older peer stalled on one connection.
#[derive(Default)]
pub(crate) struct LegacyAcceptStall {
    stalled: AtomicBool,
    alarm: OnceLock<Alarm>,
}

impl LegacyAcceptStall {
    /// Sets the alarm for a stall. Call once.
    pub(crate) fn on_stall(&self, alarm: Alarm) {
        let _ = self.alarm.set(alarm);
    }

    /// Records that a stream was refused or not acknowledged in time.
    pub(crate) fn mark(&self) {
        if self.is_stalled() {
            return;
        }
        // Raise the alarm before the flag is visible: a caller that sees the flag and requests another connection queues behind
        // the alarm. Raising it twice is harmless.
        if let Some(alarm) = self.alarm.get() {
            alarm();
        }
        self.stalled.store(true, Ordering::Release);
    }

    /// Takes the connection for a last stream. Returns false if it accepts none any more.
    pub(crate) fn take(&self) -> bool {
        if self.is_stalled() {
            return false;
        }
        if let Some(alarm) = self.alarm.get() {
            alarm();
        }
        !self.stalled.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }
}

impl fmt::Debug for LegacyAcceptStall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LegacyAcceptStall").field(&self.is_stalled()).finish()
    }
}
