//! Bytes in.

use std::task::{Context, Poll, ready};

use iroh::endpoint::ReadError;

use super::{Stream, ack::Ack};
use crate::{
    error::{Code, Error, Result},
    wire::codes::describe_reset,
};

/// What one read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Bytes put into the buffer.
    pub count: usize,
    /// Nothing follows.
    pub end: bool,
}

impl Stream {
    /// Fills `into` as far as bytes are there. A count of 0 comes only with the end.
    /// Unless `into` was filled whole or the end was met, the waker is armed.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_RESET` with the peer's code, `ERR_CONNECTION_LOST`, `ERR_ACK_TIMEOUT`, `ERR_CLOSED` after [`Stream::stop`],
    /// and what the peer refused with. Bytes that came before an error are given first.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<Read>> {
        self.check_ack_deadline();
        let read = self.poll_fill(cx, into);
        if let Poll::Ready(Err(_)) = read {
            self.unheard = false;
        }
        if read.is_ready() {
            // The wake that led here may have been for the stop, and there is no other.
            self.poll_stop(cx);
        }
        read
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<Read>> {
        let mut count = self.take_buffered(into);
        while count < into.len() {
            if self.ended {
                return Poll::Ready(Ok(Read { count, end: true }));
            }
            if matches!(self.ack, Ack::Refusal(_)) {
                ready!(self.poll_ack(cx))?;
            }
            let got = match self.poll_recv(cx, &mut into[count..]) {
                Poll::Ready(Ok(got)) => got,
                Poll::Pending if count > 0 => break,
                // The bytes are given now; the error is kept and comes with the next read.
                Poll::Ready(Err(_)) if count > 0 => {
                    self.unheard = true;
                    break;
                }
                Poll::Ready(Err(error)) if matches!(self.ack, Ack::Matching(_)) => {
                    return Poll::Ready(Err(self.not_acknowledged(Some(error))));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            if let Ack::Matching(_) = self.ack {
                if got == 0 {
                    return Poll::Ready(Err(self.not_acknowledged(None)));
                }
                // The acknowledgement and the first bytes usually come in one packet: read both at once.
                let used = self.feed_ack(&into[count..count + got])?;
                into.copy_within(count + used..count + got, count);
                count += got - used;
                continue;
            }
            if got == 0 {
                self.ended = true;
                self.recv = None;
                self.settle();
            }
            count += got;
        }
        Poll::Ready(Ok(Read { count, end: self.ended && self.buffered.is_empty() }))
    }

    /// Looks for the end while nobody reads, keeping at most `limit` bytes for later, so that the half
    /// can be given back. The waker stays armed while there is room and no end.
    pub fn read_ahead(&mut self, cx: &mut Context<'_>, limit: usize) {
        while self.recv.is_some() && self.buffered.len() - self.buffered_at < limit {
            let mut chunk = [0; 4096];
            let room = (limit + self.buffered_at - self.buffered.len()).min(chunk.len());
            // Not through `poll_read`: what is buffered would be read again.
            let kept = std::mem::take(&mut self.buffered);
            let at = std::mem::take(&mut self.buffered_at);
            let read = self.poll_fill(cx, &mut chunk[..room]);
            self.buffered = kept;
            self.buffered_at = at;
            match read {
                Poll::Ready(Ok(Read { count, .. })) => self.buffered.extend_from_slice(&chunk[..count]),
                Poll::Ready(Err(_)) => {
                    self.unheard = true;
                    return;
                }
                Poll::Pending => return,
            }
        }
    }

    fn take_buffered(&mut self, into: &mut [u8]) -> usize {
        let waiting = &self.buffered[self.buffered_at..];
        let count = waiting.len().min(into.len());
        into[..count].copy_from_slice(&waiting[..count]);
        self.buffered_at += count;
        if self.buffered_at == self.buffered.len() {
            self.buffered = Vec::new();
            self.buffered_at = 0;
        }
        count
    }

    /// One read from QUIC; 0 is the end.
    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize>> {
        let Some(recv) = &mut self.recv else {
            return Poll::Ready(Err(match &self.failed {
                Some(failed) => failed.error.clone(),
                None => Error::new(Code::Closed, "this stream is not read any more: it was stopped"),
            }));
        };
        match recv.poll_read(cx, into) {
            Poll::Ready(Ok(count)) => Poll::Ready(Ok(count)),
            Poll::Ready(Err(ReadError::Reset(code))) => {
                self.recv = None;
                let text = format!("the peer reset the stream before its end: {}", describe_reset(code.into()));
                let error = Error::new(Code::StreamReset, text).with_error_code(code.into());
                Poll::Ready(Err(self.fail(error, false)))
            }
            Poll::Ready(Err(ReadError::ConnectionLost(_))) => Poll::Ready(Err(self.lost())),
            Poll::Ready(Err(ReadError::ClosedStream | ReadError::ZeroRttRejected)) => {
                self.recv = None;
                let error = Error::new(Code::Closed, "this stream is not read any more");
                Poll::Ready(Err(self.fail(error, false)))
            }
            Poll::Pending => {
                self.reader = Some(cx.waker().clone());
                // Whoever waits for the peer must have spoken.
                self.flush_or_wake(cx.waker());
                self.poll_stop(cx);
                if let Some(deadline) = &self.ack_deadline {
                    deadline.register_reader(cx.waker());
                    if deadline.expired_after().is_some() {
                        cx.waker().wake_by_ref();
                    }
                }
                Poll::Pending
            }
        }
    }

    fn lost(&mut self) -> Error {
        self.send = None;
        self.recv = None;
        let error = self.connection_error();
        self.fail(error, true)
    }
}
