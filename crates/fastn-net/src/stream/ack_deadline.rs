//! Acknowledgements that are late, and the deadline after which a stream fails without one.

use std::{
    task::{Context, Waker},
    time::Duration,
};

use tracing::debug;

use super::{RecvState, Stream};
use crate::{
    deadline::limit_text,
    error::{Code, Error},
    target,
    wire::codes::reset,
};

/// After this an acknowledgement is late: its connection is checked ([`Stream::ack_is_late`]), again after twice that time, and so on.
/// It is no error before `ack_timeout`.
pub const LATE_ACK: Duration = Duration::from_millis(250);

impl Stream {
    /// Whether the peer has neither acknowledged nor ended a stream that we opened, and may still do so. An acknowledgement that
    /// is there is taken. The waker is armed where it is not, as by a read.
    pub fn lacks_ack(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.awaits_ack() {
            return false;
        }
        // Of what comes behind it no more than has to be.
        self.read_ahead(cx, 1);
        let lacks = self.awaits_ack();
        if lacks {
            self.ack_is_late();
        }
        lacks
    }

    /// The acknowledgement is not there, and a peer that lives would have sent it by now (see [`LATE_ACK`]): the
    /// connection is checked at once. No-op for a stream that does not wait for one.
    pub fn ack_is_late(&self) {
        if self.awaits_ack() {
            self.connection.request_liveness_check();
        }
    }

    /// Starts the deadline of the acknowledgement once the whole header is sent.
    pub(super) fn start_ack_deadline(&mut self) {
        if self.ack_deadline.is_none() && self.unsent.is_empty() && !self.is_acknowledged() {
            self.ack_deadline = Some(self.connection.ack_deadlines().start());
        }
    }

    /// Abandons the stream if the deadline of its acknowledgement has expired. An acknowledgement that arrived unread is in time.
    pub(super) fn check_ack_deadline(&mut self) {
        let Some(limit) = self.ack_deadline.as_ref().and_then(|deadline| deadline.expired_after()) else { return };
        self.ack_deadline = None;
        if self.lacks_ack(&mut Context::from_waker(Waker::noop())) {
            self.expire_ack_after(&format!("within {}", limit_text(limit)));
        }
    }

    /// Fails a stream that was not acknowledged in time with `ERR_ACK_TIMEOUT`, and wakes its reader and writer. An older peer gets no
    /// other stream on this connection. Returns whether not even the header was sent: the peer takes no more bytes.
    pub fn expire_ack(&mut self) -> bool {
        let is_blocked = !self.is_header_sent();
        self.expire_ack_after("in time");
        self.recv_reported();
        is_blocked
    }

    fn expire_ack_after(&mut self, when: &str) {
        let (peer, connection, stream) = (self.peer(), self.connection.id(), self.id);
        debug!(target: target::STREAM, %peer, connection, stream, "not acknowledged in time");
        let error = Error::new(Code::AckTimeout, format!("the peer did not acknowledge the stream {when}"));
        self.abandon_and_fail(reset::CANCELLED, error);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        self.connection.mark_stalled();
    }

    pub(super) fn awaits_ack(&self) -> bool {
        self.recv_state == RecvState::AwaitingAck
    }
}
