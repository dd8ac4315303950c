//! One stream: two halves that end apart from each other.
//!
//! - `write`, `read`: bytes out and in
//! - `io`: async methods, `AsyncRead` and `AsyncWrite`
//! - `ack`: the acknowledgement, or a refusal
//! - `debug`: `Debug` without payload
//! - `end`: finish, reset, stop
//! - `unread`: what may end a stream that nobody reads or writes at present
//! - `stop`: whether the peer wants no more of our sending half
//! - `late`: acknowledgements that do not come
//! - `open`: opening one on a connection
//! - `ping`: a stream that asks the peer for a sign of life
//! - `outlive`: what is left of a stream when its connection has ended

mod ack;
mod debug;
mod end;
mod io;
mod late;
mod open;
mod outlive;
mod ping;
mod read;
mod stop;
mod unread;
mod write;

use std::{sync::Arc, task::Waker, time::Instant};

use iroh::endpoint::{RecvStream, SendStream};
use tracing::trace;

pub(crate) use self::ping::CONNECTION_FULL;
use self::{ack::Ack, stop::Stop};
pub use self::{late::LATE_ACK, read::Read};
use crate::{
    connection::{ActiveGuard, CloseInfo, ClosedBy, Connection, ack_deadlines::AckDeadline},
    error::Error,
    identity::PublicKey,
    target,
    wire::codes::{close, reset},
};

/// A bidirectional stream to a peer.
///
/// Every `poll_*` works outside a runtime: it tries, and arms the waker of its own direction when it must wait.
/// Dropping a stream resets what was not finished and stops what was not read.
///
/// # Tokio
///
/// A stream is [`AsyncRead`](tokio::io::AsyncRead) and [`AsyncWrite`](tokio::io::AsyncWrite):
///
/// - A read of 0 bytes is EOF: the peer finished its half.
/// - `AsyncWriteExt::flush` sends a pending header or ack, and corked bytes. Open or accept, then flush, to speak second.
/// - `AsyncWriteExt::shutdown` flushes, then finishes: the FIN follows what was written. [`Stream::finish`] does that without
///   waiting.
/// - Errors convert into [`std::io::Error`] by [`Code::io_kind`](crate::Code::io_kind), which has the table.
///
/// [`tokio::io::split`] gives owned halves for two tasks: each direction has a waker of its own. Shut the write half down before
/// both are dropped, or the stream is reset.
#[expect(clippy::struct_excessive_bools, reason = "each tells of another thing, in any combination")]
pub struct Stream {
    id: u64,
    send: Option<SendStream>,
    recv: Option<RecvStream>,
    /// The header, or the acknowledgement, while it waits for the first bytes to travel with; and those, on a stream that gathers.
    unsent: Vec<u8>,
    /// Small first bytes wait as well.
    gathers: bool,
    /// Bytes that were read before somebody asked for them; they come first.
    buffered: Vec<u8>,
    buffered_at: usize,
    /// The receiving half ended with a FIN, although bytes may still be buffered.
    ended: bool,
    ack: Ack,
    /// Runs from the sent header until the acknowledgement.
    ack_deadline: Option<Arc<AckDeadline>>,
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
    /// Waits in [`Stream::poll_send_ended`].
    end_waker: Option<Waker>,
    /// Why the receiving half, or the whole stream, is gone; said again to whoever asks again.
    failed: Option<Box<Failed>>,
    /// A failure was met behind bytes, or while nobody read: whoever reads next must hear of it, not of an end.
    unheard: bool,
    /// Whether the peer stopped our sending half while nobody wrote.
    stop: Stop,
    connection: Connection,
    /// Until both halves are over, even if somebody has not heard of it yet.
    used: Option<ActiveGuard>,
}

#[derive(Debug)]
struct Failed {
    error: Error,
    both: bool,
}

impl Stream {
    /// A stream that we opened, whose header is still to be sent and its acknowledgement to come.
    pub(crate) fn opened(
        connection: Connection,
        send: SendStream,
        recv: RecvStream,
        used: Option<ActiveGuard>,
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
        used: ActiveGuard,
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

    /// Why the connection ended, as it concerns this stream.
    fn connection_error(&self) -> Error {
        if matches!(self.ack, Ack::Done) { self.connection.lost_error() } else { self.connection.unopened_error() }
    }

    fn new(connection: Connection, send: SendStream, recv: RecvStream, used: Option<ActiveGuard>, ack: Ack) -> Self {
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
            ack_deadline: None,
            ack_awaited: None,
            missing_ack: false,
            written: false,
            reader: None,
            writer: None,
            end_waker: None,
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

    /// The stream is gone, was not acknowledged, and no byte of payload was accepted. Its header was not sent, its connection ended
    /// with the promise that it was not and will not be handed to anyone (docs/wire.md, Codes), or this side gave the connection
    /// up because the peer did not answer: a handler may have seen the bare header then, and sees it end in an error.
    #[must_use]
    pub fn may_be_sent_again(&self) -> bool {
        let promised = |info: CloseInfo| info.by == ClosedBy::Peer && close::PROMISES.contains(&info.code);
        let unseen = !self.unsent.is_empty()
            || self.connection.is_given_up()
            || self.connection.close_reason().is_some_and(promised);
        !matches!(self.ack, Ack::Done) && !self.written && unseen && !self.connection.is_live()
    }

    /// Whether the whole header, or the ack, was accepted for sending.
    pub(crate) fn is_header_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    fn peer(&self) -> PublicKey {
        self.connection.remote()
    }

    fn fail(&mut self, error: Error, both: bool) -> Error {
        self.ack_settled();
        if both {
            self.stop.hear();
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
