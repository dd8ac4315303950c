//! Detects a connection to an older peer that takes no new stream.
//!
//! Older peers take the streams of a connection one by one. An unknown stream ends their loop, and a stream they wait for blocks
//! it. Later streams would wait for their acknowledgement in vain.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::users::Alarm;

/// One connection's.
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

    /// A stream was refused, or not acknowledged in time.
    pub(crate) fn mark(&self) {
        if self.is_stalled() {
            return;
        }
        // Raise the alarm first: a caller that finds the stall and requests another connection queues behind it. Twice is
        // harmless.
        if let Some(alarm) = self.alarm.get() {
            alarm();
        }
        self.stalled.store(true, Ordering::Release);
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
