//! The ends of a stream: finished, reset, stopped, abandoned.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use iroh::endpoint::{SendStream, VarInt, WriteError};

use super::{Buffered, RecvEvent, SendEvent, Stream};
use crate::{
    connection::final_write::FinalWrite,
    error::Error,
    wire::{ack::ACK, codes::reset, refusal::Refusal},
};

impl Stream {
    /// Finishes the sending half: the FIN follows the written bytes. Idempotent. A header or acknowledgement that flow control does not let
    /// through now is sent by the connection's task, with the FIN behind it.
    pub fn finish(&mut self) {
        let was_live = self.send_state.is_live();
        if !self.is_corked() {
            self.try_flush();
        }
        if !self.unsent.is_empty() {
            self.defer_last();
        }
        if !self.unsent.is_empty() && self.send_state.is_live() {
            // The connection has ended, and its task with it: nothing can follow.
            self.fail_lost();
        }
        if was_live && self.send_state.is_lost() {
            self.connection.deliveries().push_lost(self.id);
        }
        // Taken out: dropping it sends the FIN, and frees a half that the peer stopped, which noq's `finish` does not.
        if let Some(mut send) = self.send.take() {
            // After a stop by the peer, noq would keep state for this half until the connection ends.
            if !is_stopped(&mut send) {
                self.connection.deliveries().push(self.id, Box::pin(send.stopped()));
            }
            self.finished();
            drop(send);
        }
        // No later write will report a stop.
        self.on_send(SendEvent::Reported);
    }

    /// Same, for a caller that reads the answer next: also waits as a pending [`Stream::poll_read`] does. Returns whether `cx` is woken for
    /// the answer; else call `poll_read`.
    ///
    /// Before the corked bytes leave, the connection's task sleeps. Afterwards, the first `poll_read` would contend with it for QUIC's lock.
    pub fn finish_then_wait(&mut self, cx: &mut Context<'_>) -> bool {
        let waits = self.wait_unsent(cx);
        self.finish();
        waits && self.awaits_ack() && {
            self.waits_for_bytes(cx);
            true
        }
    }

    /// Leaves the unsent bytes, and the FIN, to the connection's task.
    fn defer_last(&mut self) {
        let Some(send) = self.send.take() else { return };
        let bytes = std::mem::take(&mut self.unsent);
        match self.connection.deliveries().defer_write(FinalWrite { send, bytes }) {
            Ok(()) => self.finished(),
            Err(FinalWrite { send, bytes }) => {
                self.send = Some(send);
                self.unsent = bytes;
            }
        }
    }

    fn finished(&mut self) {
        self.start_ack_deadline();
        self.on_send(SendEvent::Finish { acknowledged: !self.is_unacknowledged() });
    }

    /// Resets the sending half. Bytes that the peer has not received are lost. `code` is the application's.
    pub fn reset(&mut self, code: u64) {
        self.discard_sent(code);
        self.on_send(SendEvent::Reset);
    }

    fn discard_sent(&mut self, code: u64) {
        if let Some(send) = &mut self.send {
            let _ = send.reset(varint(code));
        }
    }

    /// Sends `STOP_SENDING`. Discards unread bytes. `code` is the application's.
    pub fn stop(&mut self, code: u64) {
        self.discard_received(code);
        if self.awaits_ack() {
            self.settle_ack();
        }
        self.on_recv(RecvEvent::Stop);
    }

    fn discard_received(&mut self, code: u64) {
        self.buffered = Buffered::default();
        if let Some(recv) = &mut self.recv {
            let _ = recv.stop(varint(code));
        }
    }

    /// Ends both directions with a code of this project's own (0 towards older peers).
    pub fn abandon(&mut self, code: u64) {
        let code = self.connection.wire_code(code);
        self.reset(code);
        self.stop(code);
    }

    /// Same for a stream that fails as a whole: a reader gets the error. Returns its first error.
    pub(super) fn abandon_and_fail(&mut self, code: u64, error: Error) -> Error {
        let code = self.connection.wire_code(code);
        self.discard_sent(code);
        self.discard_received(code);
        self.fail(error)
    }

    /// Refuses an accepted stream that was not used. Returns whether the refusal line could be sent: the ack was not yet. Else the
    /// stream is reset.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) -> bool {
        let is_unacknowledged = self.unsent == ACK && self.connection.is_live();
        if is_unacknowledged {
            self.unsent = refusal.encode();
            self.on_send(SendEvent::Uncork);
            self.finish();
            self.stop(reset::ABANDONED);
        } else {
            self.abandon(reset::ABANDONED);
        }
        is_unacknowledged
    }

    /// The peer stopped the sending half. A reset frees it. The next write reports the stop.
    pub(super) fn stopped_by_peer(&mut self, code: u64) {
        let Some(send) = &mut self.send else { return };
        let _ = send.reset(varint(code));
        self.on_send(SendEvent::Stopped { code });
    }
}

fn is_stopped(send: &mut SendStream) -> bool {
    let written = Pin::new(send).poll_write(&mut Context::from_waker(Waker::noop()), &[]);
    matches!(written, Poll::Ready(Err(WriteError::Stopped(_))))
}

/// Clamps a code to QUIC's largest. Codes are checked where they enter.
fn varint(code: u64) -> VarInt {
    VarInt::from_u64(code).unwrap_or(VarInt::MAX)
}
