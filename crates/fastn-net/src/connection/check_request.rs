//! Asks the peer's actor to check a connection at once.

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
pub(crate) struct CheckRequest {
    alarm: OnceLock<Alarm>,
    /// Raised, and not handled by the actor yet.
    raised: AtomicBool,
}

impl Connection {
    /// Sets the alarm of [`Connection::request_check`]. Call once.
    pub(crate) fn on_check_request(&self, alarm: Alarm) {
        let _ = self.0.check_request.alarm.set(alarm);
    }

    /// Asks the peer's actor to check the connection at once, because a live peer would have answered by now. No-op while a
    /// request is pending. Harmless to a live connection.
    pub(crate) fn request_check(&self) {
        if let Some(alarm) = self.0.check_request.alarm.get()
            && !self.0.check_request.raised.swap(true, Ordering::AcqRel)
        {
            alarm();
        }
    }

    /// Marks the request as handled: the next one raises the alarm again.
    pub(crate) fn check_received(&self) {
        self.0.check_request.raised.store(false, Ordering::Release);
    }
}

impl fmt::Debug for CheckRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckRequest")
    }
}
