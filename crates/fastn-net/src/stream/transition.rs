//! Applies the state machines of both halves to a stream: releases QUIC's halves, and what the connection counts for them.

use tracing::error;

use super::{RecvEvent, SendEvent, SendState, Stream};
use crate::{error::Error, log_target};

impl Stream {
    /// Moves the sending half on. A half that leaves its live states is dropped: reset it before, or its drop sends a FIN.
    pub(super) fn on_send(&mut self, event: SendEvent) {
        let before = self.send_state;
        let Some(after) = before.on(event) else {
            return self.illegal(&format_args!("{event:?} in {before:?}"));
        };
        self.send_state = after;
        let is_finishing = after == SendState::Finishing;
        if is_finishing != (before == SendState::Finishing) {
            let deliveries = self.connection.deliveries();
            if is_finishing { deliveries.await_header_ack(self.id) } else { deliveries.header_ack_settled(self.id) }
        }
        if matches!(after, SendState::Stopped { .. } | SendState::Lost { .. }) && after != before {
            self.wake_ended();
        }
        if before.is_live() && !after.is_live() {
            self.send = None;
            self.stop_watch = None;
            self.release_if_over();
        }
    }

    /// Moves the receiving half on. Drops QUIC's half when it leaves its live states.
    pub(super) fn on_recv(&mut self, event: RecvEvent) {
        let before = self.recv_state;
        let Some(after) = before.on(event) else {
            return self.illegal(&format_args!("{event:?} in {before:?}"));
        };
        self.recv_state = after;
        if before.is_live() && !after.is_live() {
            self.recv = None;
            self.release_if_over();
        }
    }

    /// Fails the whole stream with its first error, which is returned. Later reads and writes fail with it.
    pub(super) fn fail(&mut self, error: Error) -> Error {
        let first = self.fail_send(error);
        self.on_recv(RecvEvent::Fail);
        first
    }

    /// Same, but what arrived before can still be read from QUIC.
    pub(super) fn fail_send(&mut self, error: Error) -> Error {
        self.settle_ack();
        // The failure of the whole stream says more than the reset of a half.
        if !self.send_state.is_lost() {
            self.failure = None;
        }
        self.on_send(SendEvent::Fail);
        (**self.failure.get_or_insert_with(|| Box::new(error))).clone()
    }

    /// The error of a stream that failed as a whole.
    pub(super) fn whole_failure(&self) -> Option<Error> {
        self.failure.as_deref().filter(|_| self.send_state.is_lost()).cloned()
    }

    /// The sending half's error was returned to a caller, and with it that of the whole stream.
    pub(super) fn send_reported(&mut self) {
        self.on_send(SendEvent::Reported);
        if self.send_state.is_lost() && self.buffered.is_empty() {
            self.on_recv(RecvEvent::Reported);
        }
    }

    /// The receiving half's error was returned to a caller, and with it that of the whole stream.
    pub(super) fn recv_reported(&mut self) {
        if self.buffered.is_empty() {
            self.on_recv(RecvEvent::Reported);
        }
        if self.send_state.is_lost() {
            self.on_send(SendEvent::Reported);
        }
    }

    /// The ack arrived, or never will.
    pub(super) fn settle_ack(&mut self) {
        self.ack_deadline = None;
        self.wake_writer();
        self.wake_ended();
        self.on_send(SendEvent::AckSettled);
    }

    /// Fails a stream whose connection has ended. What arrived before, such as the ack, can still be read.
    pub(super) fn fail_lost(&mut self) -> Error {
        self.read_ahead_beside_reader();
        let error = self.connection_error();
        self.fail_send(error)
    }

    /// The error of a stream whose connection has ended, if every byte that arrived was read.
    pub(super) fn connection_error(&self) -> Error {
        if !self.is_unacknowledged() {
            return self.connection.lost_error();
        }
        let error = self.connection.unopened_error();
        if self.is_unprocessed() { error.with_unprocessed() } else { error }
    }

    /// Once both halves have left QUIC, the stream no longer uses its connection, even if buffered bytes are unread.
    fn release_if_over(&mut self) {
        if !self.send_state.is_live() && !self.recv_state.is_live() {
            self.active = None;
        }
    }

    /// A bug. The state stays: a stream that hangs is better than a process that ends.
    fn illegal(&self, what: &std::fmt::Arguments<'_>) {
        error!(target: log_target::STREAM, peer = %self.peer(), stream = self.id, "a stream got an event out of order: {what}");
        debug_assert!(false, "{what}");
    }
}
