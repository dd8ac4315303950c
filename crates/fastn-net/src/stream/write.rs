//! Bytes out.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker, ready},
};

use iroh::endpoint::{VarInt, WriteError};

use super::stop::Stop;
use super::{Stream, ack::Ack};
use crate::{
    error::{Code, Error, Result},
    wire::codes::describe_reset,
};

/// Up to here what waits to be sent and the first bytes are copied into one piece.
const TOGETHER_BYTES: usize = 4 * 1024;

impl Stream {
    /// Small first bytes wait from now on with the header or the acknowledgement: for [`Stream::finish`], or for [`Stream::try_flush`],
    /// which whoever calls this calls soon. A request is one packet then.
    pub fn gather(&mut self) {
        self.gathers = true;
    }

    /// Something waits for more to travel with.
    #[must_use]
    pub fn is_gathering(&self) -> bool {
        self.gathers && !self.unsent.is_empty() && self.send.is_some()
    }

    /// Sends the header or the acknowledgement that waits to travel with the first bytes. Whoever opens or accepts a stream
    /// and has nothing to write yet calls this, or reads.
    ///
    /// # Errors
    ///
    /// Those of [`Stream::poll_write`].
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Stop::Unheard(code) = self.stop {
            return self.poll_stopped(cx, code);
        }
        self.poll_unsent(cx)
    }

    pub(super) fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while !self.unsent.is_empty() {
            let unsent = self.unsent.clone();
            let count = ready!(self.poll_send(cx, &unsent))?;
            self.unsent.drain(..count);
            self.start_ack_deadline();
        }
        Poll::Ready(Ok(()))
    }

    /// The same as far as it goes without waiting; what is left goes with the next call of any kind. Nothing gathers from now on.
    pub fn try_flush(&mut self) {
        self.flush_or_wake(Waker::noop());
    }

    /// The same; where something is left, `waker` is armed for when there is room, and whoever calls this again.
    pub fn flush_or_wake(&mut self, waker: &Waker) {
        self.gathers = false;
        if self.unsent.is_empty() {
            return;
        }
        // QUIC wakes the last one who asked for room: a writer who waits must not lose that to somebody who only passes by.
        let writer = self.writer.clone();
        let waker = match &writer {
            Some(writer) => &Waker::from(Arc::new(Both(writer.clone(), Some(waker.clone())))),
            None => waker,
        };
        let flushed = self.poll_unsent(&mut Context::from_waker(waker));
        self.writer = writer;
        // Nobody is told here: whoever writes next must hear why.
        if let (Poll::Ready(Err(_)), Stop::Heard(code)) = (flushed, &self.stop) {
            self.stop = Stop::Unheard(*code);
        }
    }

    /// Writes what flow control lets through now; at least one byte, or it waits.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_STOPPED` with the peer's code, `ERR_STREAM_FINISHED`, `ERR_CONNECTION_LOST`, `ERR_ACK_TIMEOUT`, and what the
    /// peer refused with.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.check_ack_deadline();
        let mut count = 0;
        if !self.unsent.is_empty() {
            if self.is_gathering() && self.unsent.len() + bytes.len() <= TOGETHER_BYTES {
                self.unsent.extend_from_slice(bytes);
                self.written |= !bytes.is_empty();
                return Poll::Ready(Ok(bytes.len()));
            }
            count = ready!(self.poll_together(cx, bytes))?;
        }
        if count == 0 && !bytes.is_empty() {
            // Room may have come since not all of what waits was taken: it goes first all the same.
            ready!(self.poll_unsent(cx))?;
            count = ready!(self.poll_send(cx, bytes))?;
        }
        self.written |= count > 0;
        Poll::Ready(Ok(count))
    }

    /// What waits and the first bytes in one piece, and so in one packet: header and request, acknowledgement and answer.
    fn poll_together(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let first = self.unsent.len();
        let all = first + bytes.len();
        if all > TOGETHER_BYTES {
            ready!(self.poll_flush(cx))?;
            return Poll::Ready(Ok(0));
        }
        let mut piece = [0; TOGETHER_BYTES];
        piece[..first].copy_from_slice(&self.unsent);
        piece[first..all].copy_from_slice(bytes);
        let count = ready!(self.poll_send(cx, &piece[..all]))?;
        self.unsent.drain(..count.min(first));
        self.start_ack_deadline();
        Poll::Ready(Ok(count.saturating_sub(first)))
    }

    /// One write to QUIC.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let Some(send) = &mut self.send else {
            return match (&self.failed, self.stop.code()) {
                (Some(failed), _) if failed.both => {
                    self.unheard = false;
                    Poll::Ready(Err(failed.error.clone()))
                }
                (_, Some(code)) => self.poll_stopped(cx, code),
                _ => {
                    let text = "this side of the stream has ended: nothing more can be written";
                    Poll::Ready(Err(Error::new(Code::StreamFinished, text)))
                }
            };
        };
        let Poll::Ready(written) = Pin::new(send).poll_write(cx, bytes) else {
            self.writer = Some(cx.waker().clone());
            if let Some(deadline) = &self.ack_deadline {
                deadline.register_writer(cx.waker());
                if deadline.expired_after().is_some() {
                    cx.waker().wake_by_ref();
                }
            }
            return Poll::Pending;
        };
        match written {
            Ok(count) => Poll::Ready(Ok(count)),
            Err(WriteError::Stopped(code)) => self.poll_stopped(cx, code),
            Err(WriteError::ConnectionLost(_)) => {
                self.send = None;
                // What came before the loss can still be read.
                let error = self.connection_error();
                Poll::Ready(Err(self.fail(error, true)))
            }
            Err(WriteError::ClosedStream | WriteError::ZeroRttRejected) => {
                self.send = None;
                Poll::Ready(Err(Error::new(Code::StreamFinished, "this side of the stream has ended")))
            }
        }
    }

    /// Whoever waits to write looks again: what it waits for may have come to somebody else.
    pub(super) fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// What a write fails with on a half that the peer stopped.
    fn poll_stopped<T>(&mut self, cx: &mut Context<'_>, code: VarInt) -> Poll<Result<T>> {
        // Nothing is taken any more, a header that was not sent included.
        self.unsent.clear();
        self.start_ack_deadline();
        // A refusal stops us as well; its line says why, and may come a packet later.
        if !matches!(self.ack, Ack::Done) && self.recv.is_some() {
            // A reader that comes meanwhile waits in this place for the line, and may be who gets it.
            self.writer = Some(cx.waker().clone());
            let reader = self.reader.clone();
            let both = Waker::from(Arc::new(Both(cx.waker().clone(), reader.clone())));
            let answer = self.poll_ack(&mut Context::from_waker(&both));
            // The slot keeps the reader's own waker: with this one in it, each poll would wrap the one before.
            self.reader = reader;
            match ready!(answer) {
                Err(error) if error.code() == Code::StreamReset => self.unheard = true,
                answer => answer?,
            }
        }
        self.stop = Stop::Heard(code);
        self.reset_own(code);
        Poll::Ready(Err(stopped(code)))
    }
}

pub(super) fn stopped(code: VarInt) -> Error {
    let text = format!("the peer takes no more bytes on this stream: {}", describe_reset(code.into()));
    Error::new(Code::StreamStopped, text).with_error_code(code.into())
}

/// Wakes a writer that watches the receiving half, and whoever reads it.
pub(super) struct Both(pub(super) Waker, pub(super) Option<Waker>);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
        if let Some(reader) = &self.1 {
            reader.wake_by_ref();
        }
    }
}
