//! Bytes in.

use std::task::{Context, Poll, ready};

use iroh::endpoint::ReadError;

use super::{RecvEvent, Stream, ack::AnswerLine, wakers::together};
use crate::{
    connection::grant::Waiter,
    error::{Code, Error, Result},
    wire::codes::describe_reset,
};

/// Result of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Bytes put into the buffer.
    pub count: usize,
    /// Nothing follows.
    pub end: bool,
}

impl Stream {
    /// Reads the available bytes into `into`. A count of 0 comes only at EOF.
    /// Arms the waker, unless `into` was filled or EOF was reached.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_RESET` with the peer's code, `ERR_CONNECTION_LOST`, `ERR_ACK_TIMEOUT`, `ERR_CLOSED` after [`Stream::stop`],
    /// and the error of a refusal. Bytes that arrived before an error are returned first.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<Read>> {
        self.check_ends();
        let read = self.poll_fill(cx, into);
        if let Some(reader) = &self.reader {
            match read {
                Poll::Ready(Ok(Read { end: false, .. })) => reader.record_bytes(),
                _ => reader.record_wait(),
            }
        }
        match read {
            Poll::Ready(Ok(_)) => self.drained(),
            Poll::Ready(Err(_)) => self.recv_reported(),
            Poll::Pending => self.wake_on_revocation(Waiter::Reader, cx.waker()),
        }
        if read.is_ready() {
            // The wake that led here may have been for the stop. There is no second one.
            self.poll_stop(cx);
        }
        read
    }

    /// Waits for the first bytes on a stream whose header is still to be sent, so that none can have arrived.
    pub(super) fn wait_unsent(&mut self, cx: &mut Context<'_>) -> bool {
        self.check_ends();
        if !self.is_corked() || !self.awaits_ack() {
            return false;
        }
        let all = together(cx.waker(), [&self.end_waker]);
        let Some(recv) = &mut self.recv else { return false };
        let mut byte = [0];
        match recv.poll_read(&mut Context::from_waker(all.as_ref().unwrap_or(cx.waker())), &mut byte) {
            Poll::Pending => true,
            // Only from a peer that answers what it has not seen.
            Poll::Ready(Ok(count)) => {
                let _ = self.feed_ack(&byte[..count]);
                false
            }
            Poll::Ready(Err(_)) => false,
        }
    }

    /// What a pending read leaves behind, beside its registration with QUIC.
    pub(super) fn waits_for_bytes(&mut self, cx: &mut Context<'_>) {
        self.read_waker = Some(cx.waker().clone());
        self.watch_ack_deadline(cx.waker());
        if let Some(reader) = &self.reader {
            reader.record_wait();
        }
        self.wake_on_revocation(Waiter::Reader, cx.waker());
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<Read>> {
        let mut count = self.buffered.take(into);
        while count < into.len() {
            if self.recv_state.has_fin() {
                return Poll::Ready(Ok(Read { count, end: true }));
            }
            if let Some(AnswerLine::Refusal(_)) = self.answer {
                ready!(self.poll_answer(cx))?;
            }
            let got = match self.poll_recv(cx, &mut into[count..]) {
                Poll::Ready(Ok(got)) => got,
                // Returns the bytes now, and the error with the next read.
                Poll::Pending | Poll::Ready(Err(_)) if count > 0 => break,
                Poll::Ready(Err(error)) if self.is_unacknowledged() => {
                    return Poll::Ready(Err(self.not_acknowledged(Some(error))));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            if self.is_unacknowledged() {
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
                self.on_recv(RecvEvent::Fin);
            }
            count += got;
        }
        Poll::Ready(Ok(Read { count, end: self.recv_state.has_fin() && self.buffered.is_empty() }))
    }

    /// Lets the connection call `give_up` if the reader is stalled while its unread bytes hold up other streams. `give_up` should end the
    /// stream with the code `UNREAD`. `has_unread` is called before: whether the stalled reader has unread bytes.
    pub(crate) fn give_up_unread(
        &mut self,
        has_unread: impl Fn() -> bool + Send + Sync + 'static,
        give_up: impl Fn() + Send + Sync + 'static,
    ) {
        self.reader = Some(self.connection.watch_reader(self.id, Box::new(has_unread), Box::new(give_up)));
    }

    /// Whether unread bytes are available, for a reader that does not read now.
    pub(crate) fn has_unread(&mut self) -> bool {
        self.read_ahead_beside_reader();
        !self.buffered.is_empty()
    }

    /// Reads ahead to the end without a reader, and buffers at most `limit` bytes, so that the half
    /// can be given back. The waker stays armed while there is room and no end.
    pub fn read_ahead(&mut self, cx: &mut Context<'_>, limit: usize) {
        while self.recv_state.is_live() && self.buffered.len() < limit {
            let mut chunk = [0; 4096];
            let room = (limit - self.buffered.len()).min(chunk.len());
            // Not into the buffer of this read: its bytes would be read again.
            let kept = std::mem::take(&mut self.buffered);
            let read = self.poll_fill(cx, &mut chunk[..room]);
            self.buffered = kept;
            match read {
                Poll::Ready(Ok(Read { count, .. })) => self.buffered.push(&chunk[..count]),
                Poll::Ready(Err(_)) | Poll::Pending => return,
            }
            self.drained();
        }
    }

    fn drained(&mut self) {
        if self.buffered.is_empty() {
            self.on_recv(RecvEvent::Drained);
        }
    }

    /// One read from QUIC; 0 is the end.
    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize>> {
        // A writer can wait for the answer line too.
        let all = if self.awaits_ack() {
            together(cx.waker(), [&self.read_waker, &self.write_waker, &self.end_waker])
        } else {
            None
        };
        let Some(recv) = &mut self.recv else {
            return Poll::Ready(Err(match &self.failure {
                Some(failure) => (**failure).clone(),
                None => Error::new(Code::Closed, "this stream is not read any more: it was stopped"),
            }));
        };
        let waker = all.as_ref().unwrap_or(cx.waker());
        match recv.poll_read(&mut Context::from_waker(waker), into) {
            Poll::Ready(Ok(count)) => Poll::Ready(Ok(count)),
            Poll::Ready(Err(ReadError::Reset(code))) => {
                let text = format!("the peer reset the stream before its end: {}", describe_reset(code.into()));
                let error = Error::new(Code::StreamReset, text).with_error_code(code.into());
                Poll::Ready(Err(self.fail_recv(RecvEvent::Reset, error)))
            }
            Poll::Ready(Err(ReadError::ConnectionLost(_))) => {
                let error = self.connection_error();
                Poll::Ready(Err(self.fail(error)))
            }
            Poll::Ready(Err(ReadError::ClosedStream | ReadError::ZeroRttRejected)) => {
                let error = Error::new(Code::Closed, "this stream is not read any more");
                Poll::Ready(Err(self.fail_recv(RecvEvent::Stop, error)))
            }
            Poll::Pending => {
                self.read_waker = Some(cx.waker().clone());
                // A reader waits for the peer, which may wait for the header or ack.
                self.flush_or_wake(waker);
                self.poll_stop(cx);
                Poll::Pending
            }
        }
    }

    fn fail_recv(&mut self, event: RecvEvent, error: Error) -> Error {
        self.settle_ack();
        self.on_recv(event);
        (**self.failure.get_or_insert_with(|| Box::new(error))).clone()
    }
}

/// Bytes that were read ahead of a reader. They come first.
#[derive(Debug, Default)]
pub(super) struct Buffered {
    bytes: Vec<u8>,
    at: usize,
}

impl Buffered {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Moves as many bytes into `into` as fit. Frees the memory with the last byte.
    fn take(&mut self, into: &mut [u8]) -> usize {
        let waiting = &self.bytes[self.at..];
        let count = waiting.len().min(into.len());
        into[..count].copy_from_slice(&waiting[..count]);
        self.at += count;
        if self.is_empty() {
            *self = Self::default();
        }
        count
    }
}

impl From<Vec<u8>> for Buffered {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }
}
