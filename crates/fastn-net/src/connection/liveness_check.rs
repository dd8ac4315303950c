//! Requests for an immediate liveness check of a connection, and the probe that answers them.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Connection, active_count::Alarm};

/// Time between two samples of the received bytes.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(2);

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

    /// Waits until the resets of before have most likely arrived: the peer has answered a probe behind them, or has had the time for
    /// it. QUIC reports no acknowledgement of a reset.
    pub(crate) async fn resets_sent(&self) {
        self.responds_within(self.close_grace()).await;
    }

    /// Returns whether the peer's QUIC answers a probe within `limit`. Opens no stream and sends no payload, so flow control
    /// cannot block it, and the peer's program does not notice.
    pub(crate) async fn responds_within(&self, limit: Duration) -> bool {
        let before = self.stats().bytes_received;
        let responded = || self.stats().bytes_received != before;
        let until = Instant::now() + limit;
        while self.is_live() && !responded() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // Probes twice: QUIC may delay the acknowledgement of a single packet.
            if left > limit.saturating_sub(SAMPLE_INTERVAL * 2) {
                self.probe();
            }
            sleep(SAMPLE_INTERVAL.min(left)).await;
        }
        self.is_live()
    }
}

impl fmt::Debug for LivenessAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LivenessAlarm")
    }
}
