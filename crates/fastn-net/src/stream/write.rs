//! Bytes out.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use iroh::endpoint::WriteError;

use super::{SendEvent, SendState, Stream};
use crate::{
    connection::grant::Waiter,
    error::{Code, Error, Result},
    wire::codes::describe_reset,
};

/// Largest header or ack, plus first bytes, that goes out as one write.
const ONE_WRITE_BYTES: usize = 4 * 1024;

impl Stream {
    /// Coalesces the pending header or ack with small first bytes, so that a request is one packet. Call [`Stream::finish`] or
    /// [`Stream::try_flush`] promptly.
    pub fn cork(&mut self) {
        self.on_send(SendEvent::Cork);
    }

    /// Whether a header or ack waits for more bytes to travel with.
    #[must_use]
    pub fn is_corked(&self) -> bool {
        matches!(self.send_state, SendState::HeaderUnsent { corked: true })
    }

    /// Sends the header or the ack that waits to travel with the first bytes. Call this, or read, after opening or accepting a stream
    /// without anything to write yet.
    ///
    /// # Errors
    ///
    /// Those of [`Stream::poll_write`].
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_ends();
        let flushed = match self.send_state {
            SendState::Stopped { code, reported: false } => self.poll_stopped(cx, code),
            _ => self.poll_unsent(cx).map(|sent| sent.and_then(|()| self.check_not_lost())),
        };
        self.sent(cx, &flushed);
        flushed
    }

    pub(super) fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if !self.unsent.is_empty() {
            self.start_ack_deadline();
        }
        while !self.unsent.is_empty() {
            let unsent = self.unsent.clone();
            let count = ready!(self.poll_send(cx, &unsent))?;
            self.remove_unsent(count);
        }
        Poll::Ready(Ok(()))
    }

    /// Fails if the connection ended before this half did: written bytes may not have arrived.
    fn check_not_lost(&mut self) -> Result<()> {
        if self.send_state.is_live() && !self.connection.is_live() {
            return Err(self.fail_lost());
        }
        self.whole_failure().map_or(Ok(()), Err)
    }

    /// Removes bytes of the header, and of corked bytes behind it, that were sent or that the peer does not accept.
    fn remove_unsent(&mut self, count: usize) {
        self.unsent.drain(..count);
        if !self.unsent.is_empty() {
            return;
        }
        if let SendState::HeaderUnsent { .. } = self.send_state {
            self.on_send(SendEvent::HeaderSent);
        }
    }

    /// Uncorks, and sends as much as flow control allows now. The next call of any kind sends the rest.
    pub fn try_flush(&mut self) {
        self.flush_beside_writer(Waker::noop());
    }

    /// Same. `waker` is armed for when there is room for the rest, and for the deadline of the ack. Call [`Stream::idle`] then.
    pub fn flush_or_wake(&mut self, waker: &Waker) {
        self.flush_beside_writer(waker);
        self.watch_ack_deadline(waker);
    }

    pub(super) fn flush_beside_writer(&mut self, waker: &Waker) {
        self.on_send(SendEvent::Uncork);
        // An error is reported by the next write.
        let _ = self.poll_unsent_beside_writer(&mut Context::from_waker(waker));
    }

    /// Writes as much as flow control allows now, at least one byte. Else waits.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_STOPPED` with the peer's code, `ERR_STREAM_FINISHED`, `ERR_CONNECTION_LOST`, `ERR_ACK_TIMEOUT`, and what the
    /// peer refused with.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.check_ends();
        let written = self.try_write(cx, bytes);
        self.sent(cx, &written);
        written
    }

    /// Records the result of a write or flush.
    fn sent<T>(&mut self, cx: &Context<'_>, result: &Poll<Result<T>>) {
        match result {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(_)) => self.send_reported(),
            Poll::Pending => self.wake_on_revocation(Waiter::Writer, cx.waker()),
        }
    }

    fn try_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let mut count = 0;
        if !self.unsent.is_empty() {
            if self.is_corked() && self.unsent.len() + bytes.len() <= ONE_WRITE_BYTES {
                self.unsent.extend_from_slice(bytes);
                self.payload_accepted |= !bytes.is_empty();
                return Poll::Ready(Ok(bytes.len()));
            }
            count = ready!(self.poll_together(cx, bytes))?;
        }
        if count == 0 && !bytes.is_empty() {
            // Flow control may have made room since the last attempt. Pending bytes still go first.
            ready!(self.poll_unsent(cx))?;
            count = ready!(self.poll_send(cx, bytes))?;
        }
        self.payload_accepted |= count > 0;
        Poll::Ready(Ok(count))
    }

    /// Sends the pending line and the first bytes as one piece, and so in one packet: header and request, ack and answer.
    fn poll_together(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let first = self.unsent.len();
        let all = first + bytes.len();
        if all > ONE_WRITE_BYTES {
            ready!(self.poll_unsent(cx))?;
            return Poll::Ready(Ok(0));
        }
        self.start_ack_deadline();
        let mut piece = [0; ONE_WRITE_BYTES];
        piece[..first].copy_from_slice(&self.unsent);
        piece[first..all].copy_from_slice(bytes);
        let count = ready!(self.poll_send(cx, &piece[..all]))?;
        self.remove_unsent(count.min(first));
        Poll::Ready(Ok(count.saturating_sub(first)))
    }

    /// One write to QUIC.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let Some(send) = &mut self.send else {
            return match (self.whole_failure(), self.send_state) {
                (Some(error), _) => Poll::Ready(Err(error)),
                (None, SendState::Stopped { code, .. }) => self.poll_stopped(cx, code),
                _ => {
                    let text = "the sending half of this stream has ended: nothing more can be written";
                    Poll::Ready(Err(Error::new(Code::StreamFinished, text)))
                }
            };
        };
        let Poll::Ready(written) = Pin::new(send).poll_write(cx, bytes) else {
            self.write_waker = Some(cx.waker().clone());
            if let Some(deadline) = &self.ack_deadline {
                deadline.wake_writer(cx.waker());
            }
            return Poll::Pending;
        };
        match written {
            Ok(count) => Poll::Ready(Ok(count)),
            Err(WriteError::Stopped(code)) => self.poll_stopped(cx, code.into()),
            Err(WriteError::ConnectionLost(_)) => Poll::Ready(Err(self.fail_lost())),
            Err(WriteError::ClosedStream | WriteError::ZeroRttRejected) => {
                self.on_send(SendEvent::Reset);
                Poll::Ready(Err(Error::new(Code::StreamFinished, "the sending half of this stream has ended")))
            }
        }
    }

    /// The error of a write to a half that the peer stopped.
    fn poll_stopped<T>(&mut self, cx: &mut Context<'_>, code: u64) -> Poll<Result<T>> {
        self.discard_unsent();
        // A refusal also stops this half; its line says why, and may come a packet later.
        if self.awaits_ack() {
            // A reader may get the line first: it then wakes this writer.
            self.write_waker = Some(cx.waker().clone());
            match ready!(self.poll_answer_beside_reader(cx)) {
                // The reader's own error.
                Err(error) if error.code() == Code::StreamReset => {}
                answer => answer?,
            }
        }
        self.stopped_by_peer(code);
        Poll::Ready(Err(stopped(code)))
    }

    /// Discards the unsent bytes, a header included: the peer accepts no more.
    pub(super) fn discard_unsent(&mut self) {
        self.remove_unsent(self.unsent.len());
    }
}

pub(super) fn stopped(code: u64) -> Error {
    let text = format!("the peer takes no more bytes on this stream: {}", describe_reset(code));
    Error::new(Code::StreamStopped, text).with_error_code(code)
}
