//! Requests for an immediate liveness check of a connection.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Connection, active_count::Alarm};

/// Tells the peer's actor that a connection may be dead.
#[derive(Default)]
pub(crate) struct LivenessAlarm {
    alarm: OnceLock<Alarm>,
    /// Raised, and not handled by the actor yet.
    raised: AtomicBool,
}

impl Connection {
    /// Sets the alarm of [`Connection::request_liveness_check`]. Call once.
    pub(crate) fn on_liveness_check(&self, alarm: Alarm) {
        let _ = self.0.liveness_alarm.alarm.set(alarm);
    }

    /// Asks the peer's actor to check the connection at once, because a live peer would have answered by now. No-op while a
    /// request is pending. Harmless to a live connection.
    pub(crate) fn request_liveness_check(&self) {
        if let Some(alarm) = self.0.liveness_alarm.alarm.get()
            && !self.0.liveness_alarm.raised.swap(true, Ordering::AcqRel)
        {
            alarm();
        }
    }

    /// Marks the request as handled: the next one raises the alarm again.
    pub(crate) fn liveness_check_received(&self) {
        self.0.liveness_alarm.raised.store(false, Ordering::Release);
    }
}

impl fmt::Debug for LivenessAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LivenessAlarm")
    }
}
