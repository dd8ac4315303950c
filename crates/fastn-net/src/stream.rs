//! One stream: two halves that end apart from each other.

mod late;
mod outlive;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker, ready},
    time::Instant,
};

use iroh::endpoint::{ReadError, RecvStream, SendStream, VarInt, WriteError};
use tracing::{debug, trace};

use crate::{
    connection::{CloseInfo, Connection, Use},
    error::{Code, Error, Result},
    finishing::Last,
    identity::PublicKey,
    logging::target,
    stop_watch::Stop,
    wire::{
        ack::{ACK, ANSWER_LIMIT, Answer},
        codes::{close, reset},
        line::{Feed, LineBuffer},
    },
};

/// Up to here what waits to be sent and the first bytes are copied into one piece.
const TOGETHER_BYTES: usize = 4 * 1024;

/// A bidirectional stream to a peer.
///
/// Every `poll_*` works outside a runtime: it tries, and arms the waker of its own direction when it must wait.
/// Dropping a stream resets what was not finished and stops what was not read.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each tells of another thing, in any combination")]
pub struct Stream {
    id: u64,
    send: Option<SendStream>,
    recv: Option<RecvStream>,
    /// The header, or the acknowledgement, while it waits for the first bytes to travel with; and those, on a stream that gathers.
    unsent: Vec<u8>,
    /// Small first bytes wait for the end of the turn.
    gathers: bool,
    /// Bytes that were read before somebody asked for them; they come first.
    buffered: Vec<u8>,
    buffered_at: usize,
    /// The receiving half ended with a FIN, although bytes may still be buffered.
    ended: bool,
    ack: Ack,
    /// Since when somebody waits for it. A stream that does not wait reads no clock.
    ack_awaited: Option<Instant>,
    /// We finished, and the connection counts the acknowledgement of our header as missing.
    missing_ack: bool,
    /// A byte of payload was accepted: it is never sent again unseen.
    written: bool,
    /// Who waits for bytes, for the rare case that a writer must watch the receiving half too.
    reader: Option<Waker>,
    /// Who waits for room, for a refusal that is read while the peer leaves the other direction open.
    writer: Option<Waker>,
    /// Why the receiving half, or the whole stream, is gone; said again to whoever asks again.
    failed: Option<Box<Failed>>,
    /// A failure was met behind bytes, or while nobody read: whoever reads next must hear of it, not of an end.
    unheard: bool,
    /// Whether the peer stopped our sending half while nobody wrote.
    stop: Stop,
    connection: Connection,
    /// Until both halves are over, even if somebody has not heard of it yet.
    used: Option<Use>,
}

#[derive(Debug)]
struct Failed {
    error: Error,
    both: bool,
}

/// How far the acknowledgement of a stream that we opened has come.
#[derive(Debug)]
enum Ack {
    Done,
    Matching(usize),
    Refusal(Box<LineBuffer>),
}

/// What one read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Bytes put into the buffer.
    pub count: usize,
    /// Nothing follows.
    pub end: bool,
}

impl Stream {
    /// A stream that we opened, whose header is still to be sent and its acknowledgement to come.
    pub(crate) fn opened(
        connection: Connection,
        send: SendStream,
        recv: RecvStream,
        used: Option<Use>,
        header: &[u8],
    ) -> Self {
        connection.metrics().stream_opened();
        let mut stream = Self::new(connection, send, recv, used, Ack::Matching(0));
        stream.unsent = header.to_vec();
        trace!(target: target::STREAM, peer = %stream.peer(), connection = stream.connection.id(), stream = stream.id, "opened");
        stream
    }

    /// A stream that the peer opened, with what was read behind its header, and what is still to be sent first.
    pub(crate) fn accepted(
        connection: Connection,
        send: SendStream,
        recv: RecvStream,
        used: Use,
        buffered: Vec<u8>,
        unsent: &[u8],
    ) -> Self {
        connection.metrics().stream_accepted();
        let mut stream = Self::new(connection, send, recv, Some(used), Ack::Done);
        stream.buffered = buffered;
        stream.unsent = unsent.to_vec();
        trace!(target: target::STREAM, peer = %stream.peer(), connection = stream.connection.id(), stream = stream.id, "accepted");
        stream
    }

    fn new(connection: Connection, send: SendStream, recv: RecvStream, used: Option<Use>, ack: Ack) -> Self {
        Self {
            id: send.id().into(),
            send: Some(send),
            recv: Some(recv),
            unsent: Vec::new(),
            gathers: false,
            buffered: Vec::new(),
            buffered_at: 0,
            ended: false,
            ack,
            ack_awaited: None,
            missing_ack: false,
            written: false,
            reader: None,
            writer: None,
            failed: None,
            unheard: false,
            stop: Stop::Unwatched,
            connection,
            used,
        }
    }

    /// The QUIC stream id, unique on its connection.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The connection it runs on.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The peer opened it. QUIC numbers the streams of whoever dialled even, the other side's odd.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.id.is_multiple_of(2) != self.connection.is_dialled()
    }

    /// Our sending half has ended: finished, reset or stopped; and whoever writes knows it.
    #[must_use]
    pub fn is_send_done(&self) -> bool {
        self.send.is_none() && !matches!(self.stop, Stop::Unheard(_))
    }

    /// The receiving half has ended, and all of it was read, its failure included.
    #[must_use]
    pub fn is_recv_done(&self) -> bool {
        self.recv.is_none() && self.buffered.is_empty() && !self.unheard
    }

    /// The stream is gone, was not acknowledged, and its connection ended with the promise that it was not and
    /// will not be handed to anyone (WIRE.md, Codes).
    #[must_use]
    pub fn may_be_sent_again(&self) -> bool {
        let promised = |info: CloseInfo| info.by == "peer" && close::PROMISES.contains(&info.code);
        let unseen = !self.unsent.is_empty() || self.connection.close_reason().is_some_and(promised);
        !matches!(self.ack, Ack::Done) && !self.written && unseen && !self.connection.is_live()
    }

    /// Small first bytes wait from now on with the header or the acknowledgement: for [`Stream::finish`], or for [`Stream::flush`],
    /// which whoever calls this calls at the end of its turn. A request is one packet then.
    pub fn gather(&mut self) {
        self.gathers = true;
    }

    /// Something waits for the end of the turn.
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

    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while !self.unsent.is_empty() {
            let unsent = self.unsent.clone();
            let count = ready!(self.poll_send(cx, &unsent))?;
            self.unsent.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    /// The same as far as it goes without waiting; what is left goes with the next call of any kind. Nothing gathers from now on.
    pub fn flush(&mut self) {
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
        let _ = self.poll_unsent(&mut Context::from_waker(waker));
        self.writer = writer;
    }

    /// Waits for the peer's acknowledgement.
    ///
    /// # Errors
    ///
    /// What the peer refused with (see [`crate::wire::ack`]), `ERR_CONNECTION_LOST`: both halves are gone then.
    /// `ERR_STREAM_RESET` when the peer took it and failed: the receiving half is gone.
    pub fn poll_ack(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if !matches!(self.ack, Ack::Done) {
            ready!(self.poll_unsent(cx))?;
            self.ack_awaited.get_or_insert_with(Instant::now);
        }
        // The line is read four bytes at a time at first, so that nothing behind it is taken.
        let mut buffer = [0; 512];
        loop {
            let want = match &self.ack {
                Ack::Done => return Poll::Ready(Ok(())),
                Ack::Matching(matched) => ACK.len() - matched,
                Ack::Refusal(_) => buffer.len(),
            };
            match ready!(self.poll_recv(cx, &mut buffer[..want])) {
                Ok(0) => return Poll::Ready(Err(self.not_acknowledged(None))),
                Ok(count) => {
                    if let Err(error) = self.feed_ack(&buffer[..count]) {
                        return Poll::Ready(Err(error));
                    }
                }
                Err(error) => return Poll::Ready(Err(self.not_acknowledged(Some(error)))),
            }
        }
    }

    /// Fills `into` as far as bytes are there. A count of 0 comes only with the end.
    /// Unless `into` was filled whole or the end was met, the waker is armed.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_RESET` with the peer's code, `ERR_CONNECTION_LOST`, `ERR_CLOSED` after [`Stream::stop`],
    /// and what the peer refused with. Bytes that came before an error are given first.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<Read>> {
        let read = self.poll_fill(cx, into);
        if let Poll::Ready(Err(_)) = read {
            self.unheard = false;
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

    /// Watches a sending half that is still open from now on, so that it can be given back when the peer stops it:
    /// [`Stream::idle`] and reading look for that, and arm their waker for it. Whoever writes or flushes next hears of it. For
    /// streams that live on for a while: watching costs about as much as a small write.
    pub fn watch_stop(&mut self) {
        if let (Some(send), Stop::Unwatched) = (&self.send, &self.stop) {
            self.stop = self.connection.stop_watches().start(send).map_or(Stop::Unwatched, Stop::Watched);
        }
    }

    /// While nobody reads, sends what still waits to be sent first, and looks for what may give the halves back: the peer's stop, if
    /// that is watched; and behind our own end, the peer's, as [`Stream::read_ahead`] does. The waker stays armed for each.
    pub fn idle(&mut self, cx: &mut Context<'_>, limit: usize) {
        self.flush_or_wake(cx.waker());
        self.poll_stop(cx);
        if self.send.is_none() {
            self.read_ahead(cx, limit);
        }
        self.settle();
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

    /// Writes what flow control lets through now; at least one byte, or it waits.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_STOPPED` with the peer's code, `ERR_STREAM_FINISHED`, `ERR_CONNECTION_LOST`, and what the
    /// peer refused with.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
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
            return Poll::Pending;
        };
        match written {
            Ok(count) => Poll::Ready(Ok(count)),
            Err(WriteError::Stopped(code)) => self.poll_stopped(cx, code),
            Err(WriteError::ConnectionLost(_)) => {
                self.send = None;
                // What came before the loss can still be read.
                let error = self.connection.lost_error();
                Poll::Ready(Err(self.fail(error, true)))
            }
            Err(WriteError::ClosedStream | WriteError::ZeroRttRejected) => {
                self.send = None;
                Poll::Ready(Err(Error::new(Code::StreamFinished, "this side of the stream has ended")))
            }
        }
    }

    /// What a write fails with on a half that the peer stopped.
    fn poll_stopped<T>(&mut self, cx: &mut Context<'_>, code: VarInt) -> Poll<Result<T>> {
        // Nothing is taken any more, a header that was not sent included.
        self.unsent.clear();
        // A refusal stops us as well; its line says why, and may come a packet later.
        if !matches!(self.ack, Ack::Done) {
            let both = Waker::from(Arc::new(Both(cx.waker().clone(), self.reader.clone())));
            match ready!(self.poll_ack(&mut Context::from_waker(&both))) {
                Err(error) if error.code() == Code::StreamReset => self.unheard = true,
                answer => answer?,
            }
        }
        self.stop = Stop::Heard(code);
        self.reset_own(code);
        Poll::Ready(Err(stopped(code)))
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) {
        let Stop::Watched(watch) = &mut self.stop else { return };
        let Poll::Ready(stopped) = watch.poll(cx) else { return };
        self.stop = stopped.map_or(Stop::Unwatched, Stop::Unheard);
        if let Some(code) = stopped {
            self.unsent.clear();
            self.reset_own(code);
            self.settle();
        }
    }

    /// Whatever somebody still has to hear: a stream of which nothing is left in QUIC does not use its connection.
    fn settle(&mut self) {
        if self.send.is_none() && self.recv.is_none() {
            self.used = None;
        }
    }

    /// Ends our side: the FIN follows what was written. Idempotent. A stream whose header cannot be sent now, see
    /// [`Stream::poll_flush`], is reset.
    pub fn finish(&mut self) {
        if self.is_gathering() {
            self.leave_last();
        }
        self.flush();
        if !self.unsent.is_empty() {
            self.reset(reset::LET_GO);
        }
        if let Some(send) = self.send.take() {
            self.connection.finishing().push(self.id, Box::pin(send.stopped()));
            self.sent_all();
            // Dropping it sends the FIN, and frees a half that the peer stopped, which `finish` alone does not.
            drop(send);
        }
    }

    /// Leaves what was gathered, and the FIN, to the connection's task.
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

    fn reset_own(&mut self, code: VarInt) {
        if let Some(mut send) = self.send.take() {
            let _ = send.reset(code);
            if let Stop::Watched(_) = self.stop {
                self.stop = Stop::Unwatched;
                self.connection.stop_watches().leave_behind();
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
    fn poll_recv(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize>> {
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
                let text = format!("the peer reset the stream with code {code} before its end");
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
                Poll::Pending
            }
        }
    }

    /// Takes bytes of the answer line; gives how many belonged to it.
    fn feed_ack(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        while used < bytes.len() {
            match &mut self.ack {
                Ack::Done => break,
                Ack::Matching(matched) if bytes[used] == ACK[*matched] => {
                    *matched += 1;
                    used += 1;
                    if *matched == ACK.len() {
                        self.ack = Ack::Done;
                        if let Some(since) = self.ack_awaited.take() {
                            self.connection.metrics().acknowledged_after(since.elapsed());
                        }
                        self.ack_settled();
                        trace!(target: target::STREAM, peer = %self.peer(), connection = self.connection.id(), stream = self.id, "acknowledged");
                    }
                }
                Ack::Matching(matched) => {
                    let mut line = Box::new(LineBuffer::new(ANSWER_LIMIT));
                    line.feed(&ACK[..*matched]);
                    self.ack = Ack::Refusal(line);
                }
                Ack::Refusal(line) => {
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

    fn peer(&self) -> PublicKey {
        self.connection.remote()
    }

    fn refused(&mut self, line: &[u8]) -> Error {
        let peer = self.connection.remote();
        let error = match Answer::parse(line) {
            Answer::Ack => Error::new(Code::Internal, "an acknowledgement was taken for a refusal"),
            Answer::Refused(refusal) => {
                self.connection.metrics().refusal_received(&refusal.code);
                refusal.into_error(&peer)
            }
        };
        let code = error.code().as_str();
        debug!(target: target::STREAM, peer = %peer, connection = self.connection.id(), stream = self.id, code, "refused by the peer");
        self.connection.not_taken();
        self.let_go(reset::LET_GO);
        self.fail(error, true)
    }

    /// The stream ended before its acknowledgement.
    fn not_acknowledged(&mut self, error: Option<Error>) -> Error {
        if let Ack::Refusal(line) = &mut self.ack {
            let line = line.take();
            return self.refused(&line);
        }
        let error = match error {
            // A handler that fails at once resets what it has acknowledged, and the reset may overtake the acknowledgement:
            // it is the end of this half, as it would be behind it.
            Some(error) if error.code() == Code::StreamReset => {
                self.ack = Ack::Done;
                return error;
            }
            Some(error) => error,
            None => {
                self.connection.not_taken();
                let text = "the peer ended the stream without acknowledging it: it may not serve this protocol";
                Error::new(Code::Refused, text)
            }
        };
        self.let_go(reset::LET_GO);
        self.fail(error, true)
    }

    fn lost(&mut self) -> Error {
        self.send = None;
        self.recv = None;
        let error = self.connection.lost_error();
        self.fail(error, true)
    }

    fn ack_settled(&mut self) {
        if std::mem::take(&mut self.missing_ack) {
            self.connection.finishing().missing_ack(false);
        }
    }

    fn fail(&mut self, error: Error, both: bool) -> Error {
        self.ack_settled();
        if both {
            self.stop.hear();
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
        }
        match &mut self.failed {
            Some(first) if first.both || !both => first.error.clone(),
            // What ended the whole stream says more than what ended a half of it.
            failed => failed.insert(Box::new(Failed { error, both })).error.clone(),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Dropping a half of noq's would finish it: a clean end to a message that was cut short.
        self.let_go(reset::LET_GO);
        self.ack_settled();
        self.connection.metrics().stream_ended();
    }
}

fn stopped(code: VarInt) -> Error {
    Error::new(Code::StreamStopped, format!("the peer takes no more bytes on this stream (code {code})"))
        .with_error_code(code.into())
}

/// Codes beyond what QUIC can carry are checked where they come in; here they are cut to the largest.
fn varint(code: u64) -> VarInt {
    VarInt::from_u64(code).unwrap_or(VarInt::MAX)
}

/// Wakes a writer that watches the receiving half, and whoever reads it.
struct Both(Waker, Option<Waker>);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
        if let Some(reader) = &self.1 {
            reader.wake_by_ref();
        }
    }
}
