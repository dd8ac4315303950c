//! The acknowledgement of a stream that we opened, and a refusal in its place.

use std::{
    task::{Context, Poll, ready},
    time::Instant,
};

use tracing::{debug, trace};

use super::{RecvEvent, Stream};
use crate::{
    error::{Code, Error, Result},
    log_target,
    wire::{
        ack::{ACK, Answer},
        codes::reset,
        line::{Feed, LineBuffer},
        refusal::ANSWER_LIMIT,
    },
};

/// The first line that the peer sends on a stream that this side opened, as far as it was read.
#[derive(Debug)]
pub(super) enum AnswerLine {
    /// The first bytes of an ack: how many.
    Ack(usize),
    Refusal(Box<LineBuffer>),
}

impl Default for AnswerLine {
    fn default() -> Self {
        Self::Ack(0)
    }
}

impl Stream {
    /// Waits for the peer's acknowledgement.
    ///
    /// # Errors
    ///
    /// The error of a refusal (see [`crate::wire::ack`]), `ERR_CONNECTION_LOST`. Both halves have ended then.
    /// `ERR_ACK_TIMEOUT` when none came in the endpoint's time for it.
    /// `ERR_STREAM_RESET` when the peer took it and failed: the receiving half is gone.
    pub fn poll_ack(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let answered = self.poll_answer(cx);
        if let Poll::Ready(Err(_)) = answered {
            self.send_reported();
            self.recv_reported();
        }
        answered
    }

    /// Same, for a caller that does not return the error.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_ends();
        if self.is_unacknowledged() {
            ready!(self.poll_unsent_beside_writer(cx))?;
            self.ack_awaited_since.get_or_insert_with(Instant::now);
        }
        // The line is read four bytes at a time at first, so that nothing behind it is taken.
        let mut buffer = [0; 512];
        loop {
            let want = match &self.answer {
                None => return Poll::Ready(Ok(())),
                Some(AnswerLine::Ack(matched)) => ACK.len() - matched,
                Some(AnswerLine::Refusal(_)) => buffer.len(),
            };
            match ready!(self.poll_recv(cx, &mut buffer[..want])) {
                Ok(0) => return Poll::Ready(Err(self.not_acknowledged(None))),
                Ok(count) => {
                    if let Err(error) = self.feed_ack(&buffer[..count]) {
                        return Poll::Ready(Err(error));
                    }
                }
                Err(error) if self.is_unacknowledged() => {
                    return Poll::Ready(Err(self.not_acknowledged(Some(error))));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Takes bytes of the answer line; gives how many belonged to it.
    pub(super) fn feed_ack(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        while used < bytes.len() {
            match &mut self.answer {
                None => break,
                Some(AnswerLine::Ack(matched)) if bytes[used] == ACK[*matched] => {
                    *matched += 1;
                    used += 1;
                    if *matched == ACK.len() {
                        self.acknowledged_now();
                    }
                }
                Some(AnswerLine::Ack(matched)) => {
                    let mut line = Box::new(LineBuffer::new(ANSWER_LIMIT));
                    line.feed(&ACK[..*matched]);
                    self.answer = Some(AnswerLine::Refusal(line));
                }
                Some(AnswerLine::Refusal(line)) => {
                    if let Feed::More = line.feed(&bytes[used..]) {
                        return Ok(bytes.len());
                    }
                    let line = line.take();
                    return Err(self.refused(&line));
                }
            }
        }
        Ok(used)
    }

    /// Reads an ack that has arrived, and as little as possible behind it.
    pub(super) fn take_unread_ack(&mut self) {
        if self.awaits_ack() {
            self.read_ahead_beside_reader();
        }
    }

    fn acknowledged_now(&mut self) {
        self.answer = None;
        self.on_recv(RecvEvent::Acknowledged);
        if let Some(since) = self.ack_awaited_since.take() {
            self.connection.counters().ack_times.observe(since.elapsed());
        }
        self.settle_ack();
        trace!(target: log_target::STREAM, peer = %self.peer(), connection = self.connection.id(), stream = self.id, "acknowledged");
    }

    fn refused(&mut self, line: &[u8]) -> Error {
        let peer = self.connection.remote();
        let error = match Answer::parse(line) {
            Answer::Ack => Error::new(Code::Internal, "an acknowledgement was taken for a refusal"),
            Answer::Refused(refusal) => {
                self.connection.counters().refusal_received(&refusal.word);
                refusal.into_error(&peer)
            }
        };
        let code = error.code().as_str();
        debug!(target: log_target::STREAM, peer = %peer, connection = self.connection.id(), stream = self.id, code, "refused by the peer");
        self.connection.mark_stalled();
        self.abandon_and_fail(reset::ABANDONED, error)
    }

    /// The stream ended before its acknowledgement.
    pub(super) fn not_acknowledged(&mut self, error: Option<Error>) -> Error {
        if let Some(AnswerLine::Refusal(line)) = &mut self.answer {
            let line = line.take();
            return self.refused(&line);
        }
        let error = match error {
            // A handler that fails at once resets what it has acknowledged, and the reset may overtake the acknowledgement:
            // it is the end of this half, as it would be behind it.
            Some(error) if error.code() == Code::StreamReset => {
                self.answer = None;
                return error;
            }
            Some(error) => error,
            None => {
                self.connection.mark_stalled();
                let text = "the peer ended the stream without acknowledging it: it may not serve this protocol";
                Error::new(Code::Refused, text)
            }
        };
        self.abandon_and_fail(reset::ABANDONED, error)
    }
}
