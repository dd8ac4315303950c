//! Streams that a changed policy no longer allows.

use std::{sync::Arc, task::Waker};

use super::Stream;
use crate::{
    connection::{
        ActiveGuard,
        grant::{Grant, Waiter},
    },
    error::{Code, Error},
    wire::codes::reset,
};

impl Stream {
    /// Whether a changed policy no longer allows this stream, which the peer opened. False once both halves have ended.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.active.as_ref().and_then(ActiveGuard::grant).is_some_and(|grant| grant.is_revoked())
    }

    /// Resets a revoked stream, which fails with `ERR_UNAUTHORIZED` from then on. Every other call on it does the same. No-op for any
    /// other stream.
    pub fn end_if_revoked(&mut self) {
        if self.is_revoked() {
            let text = "the policy no longer lets this peer use the stream";
            self.abandon_and_fail(reset::REVOKED, Error::new(Code::Unauthorized, text));
        }
    }

    /// Whether the stream has a permission that a changed policy can revoke.
    pub(crate) fn has_grant(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.grant().is_some())
    }

    /// Gives the stream a permission. No-op once both halves have ended.
    pub(crate) fn set_grant(&mut self, grant: Arc<Grant>) {
        self.active = self.active.take().map(|active| active.with_grant(self.id, grant));
    }

    /// Whether an authorizer decided about this stream of the peer. Streams that a policy admitted by itself are not asked about again.
    pub(crate) fn is_subject_to_authorizer(&self) -> bool {
        self.active.as_ref().and_then(ActiveGuard::grant).is_none_or(|grant| grant.asks_authorizer)
    }

    /// Has a waiting caller woken when the stream is revoked.
    pub(super) fn wake_on_revocation(&self, waiter: Waiter, waker: &Waker) {
        if let Some(grant) = self.active.as_ref().and_then(ActiveGuard::grant)
            && grant.wake_on_revocation(waiter, waker)
        {
            waker.wake_by_ref();
        }
    }

    /// First step of every call on a stream: checks for a revocation and for the deadline of the ack.
    pub(super) fn check_ends(&mut self) {
        self.end_if_revoked();
        self.check_ack_deadline();
    }
}
