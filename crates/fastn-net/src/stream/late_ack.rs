//! Acknowledgements that are late, and the deadline after which a stream fails without one.

use std::{task::Waker, time::Duration};

use tracing::debug;

use super::{CONNECTION_FULL, RecvState, SendState, Stream};
use crate::{
    deadline::limit_text,
    error::{Code, Error},
    log_target,
};

impl Stream {
    /// Reports that the acknowledgement is missing although a live peer would have sent it by now: the connection's liveness is checked at
    /// once.
    /// Streams that a caller waits on, or that [`Stream::idle`] watches, do this by themselves. No-op for a stream that needs no ack.
    pub fn report_late_ack(&self) {
        // A ping of the peer's actor does not count as use, and the actor handles a late answer itself.
        if self.awaits_ack() && self.active.is_some() {
            self.connection.request_check();
        }
    }

    /// Starts the deadline of the acknowledgement when the header is first sent.
    pub(super) fn start_ack_deadline(&mut self) {
        if self.ack_deadline.is_none() && self.opening.has_ack_deadline && self.awaits_ack() {
            let deadline = self.connection.ack_deadlines().start(self.opening.ack_limit);
            if let Some(ended) = &self.end_waker {
                deadline.wake_ended(ended);
            }
            self.ack_deadline = Some(deadline);
        }
    }

    /// Checks the connection of a stream whose acknowledgement is late, and fails one whose deadline has expired. An acknowledgement
    /// that arrived unread is in time.
    pub(super) fn check_ack_deadline(&mut self) {
        let Some(deadline) = &self.ack_deadline else { return };
        let (expired, is_late) = (deadline.expired_after(), deadline.take_late());
        if expired.is_none() && !is_late {
            return;
        }
        if expired.is_some() {
            self.ack_deadline = None;
        }
        self.take_unread_ack();
        if self.awaits_ack() {
            self.report_late_ack();
            if let Some(limit) = expired {
                self.expire_ack(limit);
            }
        }
    }

    /// Has this waker woken when the acknowledgement is late, and when its deadline expires.
    pub(super) fn watch_ack_deadline(&self, waker: &Waker) {
        // A caller that only polls must not displace one that waits.
        if let Some(deadline) = &self.ack_deadline
            && !waker.will_wake(Waker::noop())
        {
            deadline.wake_reader(waker);
        }
    }

    /// Fails a stream that was not acknowledged in time, and wakes every task that waits on it. An older peer gets no other stream on this
    /// connection.
    fn expire_ack(&mut self, limit: Duration) {
        let (peer, connection, stream) = (self.peer(), self.connection.id(), self.id);
        debug!(target: log_target::STREAM, %peer, connection, stream, "not acknowledged in time");
        let limit = limit_text(limit);
        let text = if self.is_header_sent() {
            format!("the peer did not acknowledge the stream within {limit}")
        } else {
            format!("the peer took no more bytes on the connection within {limit}{CONNECTION_FULL}")
        };
        let error = Error::new(Code::AckTimeout, text);
        if self.send_state == SendState::Finishing {
            self.connection.deliveries().expire(self.id, error.clone());
        }
        self.abandon_and_fail(self.opening.expiry_code, error);
        if let Some(reader) = self.read_waker.take() {
            reader.wake();
        }
        self.connection.mark_stalled();
    }

    pub(super) fn awaits_ack(&self) -> bool {
        self.recv_state == RecvState::AwaitingAck
    }
}
