//! Probes: whether the peer's QUIC answers at all.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Connection;

/// Time between two samples of the received bytes.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(2);

/// A sample later than this says nothing about the peer: this process did not run.
const MAX_OVERSLEEP: Duration = Duration::from_millis(10);

impl Connection {
    /// Waits until the resets of before have most likely arrived: the peer has answered a probe behind them, or has had the time for
    /// it. QUIC reports no acknowledgement of a reset.
    pub(crate) async fn resets_sent(&self) {
        self.responds_within(self.close_grace()).await;
    }

    /// Returns whether the peer's QUIC answers a probe within `limit`. Opens no stream and sends no payload, so flow control
    /// cannot block it, and the peer's program does not notice. Time in which this process did not run does not count.
    pub(crate) async fn responds_within(&self, limit: Duration) -> bool {
        let before = self.stats().bytes_received;
        let responded = || self.stats().bytes_received != before;
        let mut left = limit;
        while self.is_live() && !responded() {
            if left.is_zero() {
                return false;
            }
            // Probes twice: QUIC may delay the acknowledgement of a single packet.
            if left > limit.saturating_sub(SAMPLE_INTERVAL * 2) {
                self.probe();
            }
            let slept = Instant::now();
            sleep(SAMPLE_INTERVAL.min(left)).await;
            left = left.saturating_sub(slept.elapsed().min(MAX_OVERSLEEP));
        }
        self.is_live()
    }
}
