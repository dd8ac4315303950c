//! Half-open handshakes, and closing an endpoint while some are pending.
//!
//! A dialler completes its handshake before the acceptor does. Only a completed handshake can be closed with a code of this
//! project. So a closing endpoint waits [`GRACE`] for in-flight inbound handshakes, and closes them with its code.
//!
//! QUIC keeps a connection that was closed during its handshake for 3 s, because its peer may still answer. iroh's close waits
//! for that. So the endpoint first gives its established connections time to send their close. Then it drops iroh's endpoint,
//! which ends the half-open ones at once.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::subscriber::{NoSubscriber, with_default};

/// Time that QUIC keeps an unanswered handshake, plus a margin.
const KEPT: Duration = Duration::from_secs(4);

/// How long a closing endpoint waits for inbound handshakes: a round trip to most peers.
const GRACE: Duration = Duration::from_millis(100);

/// Time that QUIC needs to send the close of an inbound handshake.
const LAST_WORD: Duration = Duration::from_millis(50);

/// The handshakes of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct HalfOpen {
    last_unanswered: Mutex<Option<Instant>>,
    under_way: TaskTracker,
    inbound: TaskTracker,
    inbound_expired: CancellationToken,
}

/// A handshake, or another holder of iroh's endpoint. Counts as unanswered until [`Handshake::end`] is called.
pub(crate) struct Handshake<'a> {
    of: &'a HalfOpen,
    answered: bool,
    _under_way: TaskTrackerToken,
}

impl HalfOpen {
    pub(crate) fn begin(&self) -> Handshake<'_> {
        Handshake { of: self, answered: false, _under_way: self.under_way.token() }
    }

    /// Counts a holder of iroh's endpoint that is not a handshake.
    pub(crate) fn hold(&self) -> TaskTrackerToken {
        self.under_way.token()
    }

    /// Counts an inbound handshake, until its peer is served or rejected.
    pub(crate) fn begin_inbound(&self) -> TaskTrackerToken {
        self.inbound.token()
    }

    /// Waits for an inbound handshake, unless the endpoint closes and its grace is over. Cancel-safe if `handshake` is.
    pub(crate) async fn unless_expired<T>(&self, handshake: impl Future<Output = T>) -> Option<T> {
        self.inbound_expired.run_until_cancelled(handshake).await
    }

    /// Gives inbound handshakes a short time to complete, within `limit`, and ends them. Returns at once if none is in flight.
    /// Returns how long QUIC needs to tell their peers.
    pub(crate) async fn end_inbound(&self, limit: Duration) -> Duration {
        self.inbound.close();
        let last_word = if self.inbound.is_empty() { Duration::ZERO } else { LAST_WORD };
        let _ = tokio::time::timeout(limit.min(GRACE), self.inbound.wait()).await;
        self.inbound_expired.cancel();
        last_word
    }

    /// Whether QUIC may still keep an unanswered handshake.
    pub(crate) fn any(&self) -> bool {
        let last = *self.last_unanswered.lock().expect("no panic while held");
        last.is_some_and(|last| last.elapsed() < KEPT)
    }

    /// Waits until no handshake is in flight.
    pub(crate) async fn ended(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

impl Handshake<'_> {
    /// Marks the handshake as answered, successfully or not.
    pub(crate) fn end(mut self) {
        self.answered = true;
    }
}

impl Drop for Handshake<'_> {
    fn drop(&mut self) {
        if !self.answered {
            *self.of.last_unanswered.lock().expect("no panic while held") = Some(Instant::now());
        }
    }
}

/// Drops iroh's endpoint without waiting for handshakes. `close_grace`: the time that established connections need to send their close.
pub(crate) async fn abandon(iroh: Option<iroh::Endpoint>, close_grace: Duration) {
    tokio::time::sleep(close_grace).await;
    // iroh logs an error for an endpoint that was not closed.
    with_default(NoSubscriber::default(), || drop(iroh));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_an_unanswered_handshake_is_kept() {
        let half_open = HalfOpen::default();
        half_open.begin().end();
        drop(half_open.hold());
        assert!(!half_open.any());
        let handshake = half_open.begin();
        assert!(!half_open.any());
        drop(handshake);
        assert!(half_open.any());
        half_open.ended().await;
    }
}
