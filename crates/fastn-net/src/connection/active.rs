//! Use of a connection: guards that count as active, and whether new ones are accepted.

use std::sync::Arc;

use super::{Connection, active_count::Alarm, grant::Grant, legacy_accept_stall::LegacyAcceptStall};
use crate::{
    error::{Error, Result},
    quota::StreamPermit,
};

/// Counts one stream or [`super::ConnectionGuard`] as active on its connection, until dropped.
#[derive(Debug)]
pub(crate) struct ActiveGuard {
    connection: Connection,
    permit: Option<StreamPermit>,
    /// The permission of a policy, and the stream's id.
    grant: Option<(u64, Arc<Grant>)>,
}

impl ActiveGuard {
    /// Also holds a permit of the peer's stream quota.
    pub(crate) fn with_permit(mut self, permit: StreamPermit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Also holds the permission of a stream. The connection lists it, so that it can be revoked.
    pub(crate) fn with_grant(mut self, stream: u64, grant: Arc<Grant>) -> Self {
        self.connection.0.grants.insert(stream, grant.clone());
        self.grant = Some((stream, grant));
        self
    }

    /// The permission of the stream, if a policy gave one.
    pub(crate) fn grant(&self) -> Option<&Arc<Grant>> {
        self.grant.as_ref().map(|(_, grant)| grant)
    }
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        if let Some((stream, _)) = self.grant {
            self.connection.0.grants.remove(stream);
        }
        self.connection.0.active.release();
    }
}

impl Connection {
    /// Counts a new outgoing stream as active. `None` if the connection accepts no new stream. `is_last`: its peer accepts no other
    /// before this one has ended.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint closes, even while the connection drains.
    pub(crate) fn acquire_for_open(&self, is_last: bool) -> Result<Option<ActiveGuard>> {
        if self.0.lifecycle.is_closing() {
            return Err(Error::closed());
        }
        // First in use: a taken connection is closed once it is unused.
        let Some(used) = self.acquire() else { return Ok(None) };
        let stall = &self.0.legacy_accept_stall;
        let accepts = if is_last { stall.take() } else { !stall.is_stalled() };
        Ok(accepts.then_some(used))
    }

    /// Counts an incoming stream or a guard as active. `None` once the connection is shut.
    pub(crate) fn acquire(&self) -> Option<ActiveGuard> {
        self.0.active.acquire().then(|| ActiveGuard { connection: self.clone(), permit: None, grant: None })
    }

    /// The permissions of its open streams.
    pub(crate) fn grants(&self) -> Vec<Arc<Grant>> {
        self.0.grants.all()
    }

    /// Number of streams and guards that use the connection.
    #[must_use]
    pub fn active_count(&self) -> usize {
        self.0.active.count()
    }

    /// Waits until the connection is unused, then refuses all new use. Cancel-safe.
    pub(crate) async fn shut_when_unused(&self) {
        self.0.active.shut_when_unused().await;
    }

    /// Refuses all new use if the connection is unused. Returns whether it was.
    pub(crate) fn try_shut(&self) -> bool {
        self.0.active.try_shut()
    }

    /// Whether it is live and accepts new streams.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_live() && !self.0.active.is_shut() && !self.0.legacy_accept_stall.is_stalled()
    }

    /// Sets the alarm for the first use after the actor found the connection unused. Call once.
    pub(crate) fn on_activity(&self, alarm: Alarm) {
        self.0.active.set_activity_alarm(alarm);
        self.0.active.arm_activity_wake();
    }

    /// Sets the alarm of [`Connection::arm_threshold`]. Call once.
    pub(crate) fn on_threshold(&self, alarm: Alarm) {
        self.0.active.set_threshold_alarm(alarm);
    }

    /// Raises the threshold alarm once when more than `threshold` streams and guards are active. Returns false if there already
    /// are.
    pub(crate) fn arm_threshold(&self, threshold: usize) -> bool {
        self.0.active.arm_threshold(threshold)
    }

    /// Waits until the connection has closed or accepts no new stream.
    pub(crate) async fn unusable(&self) {
        if self.is_usable() {
            self.0.quic.closed().await;
        }
        // A separate task tells the actor. Let it run first.
        tokio::task::yield_now().await;
    }

    /// Accept-loop state of an older peer, and its alarm.
    pub(crate) fn legacy_accept_stall(&self) -> &LegacyAcceptStall {
        &self.0.legacy_accept_stall
    }

    /// Records that an outgoing stream was refused or not acknowledged in time. An older peer accepts no further stream on this
    /// connection then.
    pub(crate) fn mark_stalled(&self) {
        if self.may_stall() {
            self.0.legacy_accept_stall.mark();
        }
    }

    pub(crate) fn may_stall(&self) -> bool {
        self.0.dialled && !self.0.alpn.is_native()
    }
}
