//! The ends of a stream: finished, reset, stopped, let go.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use iroh::endpoint::{SendStream, VarInt, WriteError};

use super::{Stream, ack::Ack, stop::Stop};
use crate::{
    connection::finishing::Last,
    wire::{ack::ACK, codes::reset, refusal::Refusal},
};

impl Stream {
    /// Ends our side: the FIN follows what was written. Idempotent. A header or acknowledgement that flow control does not let
    /// through now is sent by the connection's task, with the FIN behind it.
    pub fn finish(&mut self) {
        if !self.is_gathering() {
            self.try_flush();
        }
        if !self.unsent.is_empty() {
            self.leave_last();
        }
        if !self.unsent.is_empty() {
            // The connection has ended, and its task with it: nothing can follow.
            self.try_flush();
            self.reset(reset::LET_GO);
        }
        if let Some(mut send) = self.send.take() {
            // noq keeps something for each half that it is asked about after the peer stopped it, as long as the connection lives.
            if !is_stopped(&mut send) {
                self.connection.finishing().push(self.id, Box::pin(send.stopped()));
            }
            self.sent_all();
            // Dropping it sends the FIN, and frees a half that the peer stopped, which `finish` alone does not.
            drop(send);
        }
        // Nothing is written any more.
        self.stop.hear();
    }

    /// Leaves what is not sent yet, and the FIN, to the connection's task.
    fn leave_last(&mut self) {
        let Some(send) = self.send.take() else { return };
        let bytes = std::mem::take(&mut self.unsent);
        match self.connection.finishing().leave(Last { send, bytes }) {
            Ok(()) => self.sent_all(),
            Err(Last { send, bytes }) => {
                self.send = Some(send);
                self.unsent = bytes;
            }
        }
    }

    fn sent_all(&mut self) {
        self.stop = Stop::Unwatched;
        if !matches!(self.ack, Ack::Done) {
            self.missing_ack = true;
            self.connection.finishing().missing_ack(true);
            self.start_ack_deadline();
        }
    }

    /// Ends our side at once; what the peer has not received is lost to it. `code` is the application's.
    pub fn reset(&mut self, code: u64) {
        self.reset_own(varint(code));
        self.stop.hear();
    }

    /// Asks the peer to send no more; what was not read is thrown away. `code` is the application's.
    pub fn stop(&mut self, code: u64) {
        self.buffered = Vec::new();
        self.buffered_at = 0;
        self.unheard = false;
        if let Some(mut recv) = self.recv.take() {
            let _ = recv.stop(varint(code));
        }
    }

    /// Ends both directions with a code of this project's own (0 towards older peers).
    pub fn let_go(&mut self, code: u64) {
        let code = self.connection.own_code(code);
        self.reset(code);
        self.stop(code);
    }

    /// Refuses a stream of the peer's that nobody has used. True where the refusal line could be sent: the ack was not yet. Where
    /// it was, the stream is reset.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) -> bool {
        let is_unacknowledged = self.unsent == ACK && self.connection.is_live();
        if is_unacknowledged {
            self.unsent = refusal.encode();
            self.gathers = false;
            self.finish();
            self.stop(reset::LET_GO);
        } else {
            self.let_go(reset::LET_GO);
        }
        is_unacknowledged
    }

    pub(super) fn reset_own(&mut self, code: VarInt) {
        if let Some(mut send) = self.send.take() {
            let _ = send.reset(code);
            if let Stop::Watched(_) = self.stop {
                self.stop = Stop::Unwatched;
                self.connection.stop_watches().leave_behind();
            }
        }
    }

    /// Whatever somebody still has to hear: a stream of which nothing is left in QUIC does not use its connection.
    pub(super) fn settle(&mut self) {
        if self.send.is_none() && self.recv.is_none() {
            self.used = None;
        }
    }
}

fn is_stopped(send: &mut SendStream) -> bool {
    let written = Pin::new(send).poll_write(&mut Context::from_waker(Waker::noop()), &[]);
    matches!(written, Poll::Ready(Err(WriteError::Stopped(_))))
}

/// Codes beyond what QUIC can carry are checked where they come in; here they are cut to the largest.
fn varint(code: u64) -> VarInt {
    VarInt::from_u64(code).unwrap_or(VarInt::MAX)
}
