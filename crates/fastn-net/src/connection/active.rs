//! The users of a connection, and whether it accepts new ones.

use super::{Connection, legacy_accept_stall::LegacyAcceptStall, users::Alarm};
use crate::quota::StreamPermit;

/// Counts one stream or view as a user of the connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct ActiveGuard {
    connection: Connection,
    share: Option<StreamPermit>,
}

impl ActiveGuard {
    /// Also holds a permit from the peer's stream quota.
    pub(crate) fn with(mut self, share: StreamPermit) -> Self {
        self.share = Some(share);
        self
    }
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        self.connection.0.users.leave();
    }
}

impl Connection {
    /// Counts a stream of ours as in use; `None` if the connection accepts no new one.
    pub(crate) fn begin(&self) -> Option<ActiveGuard> {
        if self.0.legacy_accept_stall.is_stalled() { None } else { self.enter() }
    }

    /// Counts a stream of the peer's as in use; `None` once the connection was dropped as dead.
    pub(crate) fn enter(&self) -> Option<ActiveGuard> {
        self.0.users.enter().then(|| ActiveGuard { connection: self.clone(), share: None })
    }

    /// Streams and views that use it.
    #[must_use]
    pub fn users(&self) -> usize {
        self.0.users.count()
    }

    /// Waits until the connection is unused, then refuses every further use.
    pub(crate) async fn retired(&self) {
        self.0.users.retire().await;
    }

    /// Refuses every further use if the connection is unused. Returns whether it was.
    pub(crate) fn try_retire(&self) -> bool {
        self.0.users.try_retire()
    }

    /// Whether it is live and accepts new users.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_live() && !self.0.users.is_retired() && !self.0.legacy_accept_stall.is_stalled()
    }

    /// Sets the alarm for the first use after the actor found the connection unused. Call once.
    pub(crate) fn on_activity(&self, alarm: Alarm) {
        self.0.users.set_alarm(alarm);
        self.0.users.arm_activity_wake();
    }

    /// Sets the alarm for more users than [`Connection::watch_crowd`] allows. Call once.
    pub(crate) fn on_crowd(&self, alarm: Alarm) {
        self.0.users.set_crowd_alarm(alarm);
    }

    /// Raises the alarm of [`Connection::on_crowd`] once, when there are more users than `most`. Returns false if there already
    /// are.
    pub(crate) fn watch_crowd(&self, most: usize) -> bool {
        self.0.users.watch_crowd(most)
    }

    /// Waits until the connection has ended or is given up.
    pub(crate) async fn unusable(&self) {
        if self.is_usable() {
            self.0.quic.closed().await;
        }
        // The actor learns it from a task of its own: give that its turn.
        tokio::task::yield_now().await;
    }

    /// State of the stream loop of an older peer, and its alarm.
    pub(crate) fn legacy_accept_stall(&self) -> &LegacyAcceptStall {
        &self.0.legacy_accept_stall
    }

    /// A stream that we opened here was refused, or not acknowledged in time: an older peer takes no other on this connection.
    pub(crate) fn mark_stalled(&self) {
        if self.may_stall() {
            self.0.legacy_accept_stall.mark();
        }
    }

    pub(crate) fn may_stall(&self) -> bool {
        self.0.dialled && !self.0.alpn.is_native()
    }
}
