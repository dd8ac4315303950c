//! Whether a connection to an older peer takes no new stream any more.
//!
//! Older peers take the streams of a connection one after the other. One that they do not know ends their loop, and one that
//! they wait for holds it up: the streams behind it would wait for their acknowledgement in vain.

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
pub(crate) struct Stall {
    stalled: AtomicBool,
    alarm: OnceLock<Alarm>,
}

impl Stall {
    /// Sets who is told. Once.
    pub(crate) fn on_stall(&self, alarm: Alarm) {
        let _ = self.alarm.set(alarm);
    }

    /// A stream was refused, or not acknowledged in time.
    pub(crate) fn tell(&self) {
        if self.is_stalled() {
            return;
        }
        // First: whoever finds it stalled, and asks for another connection, asks behind this. Twice does no harm.
        if let Some(alarm) = self.alarm.get() {
            alarm();
        }
        self.stalled.store(true, Ordering::Release);
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stall").field(&self.is_stalled()).finish()
    }
}
