//! One stream: two halves that end independently.
//!
//! - `send_state`, `recv_state`: a state machine for each half; `transition` applies them
//! - `write`, `read`: bytes out and in; `wakers`: several callers that wait on one stream
//! - `io`: async methods, `AsyncRead` and `AsyncWrite`
//! - `ack`: the acknowledgement, or a refusal; `late_ack`: what happens when neither arrives
//! - `end`: finish, reset, stop, abandon
//! - `idle`: ends of a stream while no call reads or writes it
//! - `revoked`: a stream that a changed policy no longer allows
//! - `detach`: a stream that is held longer than its connection lives
//! - `open`: opens a stream on a connection
//! - `ping_exchange`: a stream that pings the peer
//! - `debug`: `Debug` without payload
//!
//! # Life cycle
//!
//! | half | state | QUIC's half | next |
//! |---|---|---|---|
//! | send | header unsent | live | open, once the header (or ack) is sent; finishing or finished, with the FIN behind it |
//! | send | open | live | finishing or finished, by `finish` |
//! | send | finishing | FIN sent or deferred | finished, once the header is acknowledged |
//! | send | finished | FIN sent or deferred | - |
//! | send | reset | reset by this side | - |
//! | send | stopped | stopped by the peer | reported, once a write has failed with it |
//! | send | lost | gone | reported, once a caller has got the error |
//! | receive | awaiting ack | live | open, with the ack; draining, with a refusal |
//! | receive | open | live | draining |
//! | receive | draining | over | ended, reset or lost, once buffered bytes and the error behind them are read |
//! | receive | ended | over | - |
//! | receive | reset | reset by the peer | - |
//! | receive | stopped | stopped by this side | - |
//! | receive | lost | gone | - |
//!
//! A failure of the whole stream (refusal, ack timeout, lost connection) takes the sending half to lost from every state, and the
//! receiving half from its live states. `send_state` and `recv_state` have every event.

mod ack;
mod debug;
mod detach;
mod end;
mod idle;
mod io;
mod late_ack;
mod open;
mod ping_exchange;
mod read;
mod recv_state;
mod revoked;
mod send_state;
mod transition;
mod wakers;
mod write;

use std::{sync::Arc, task::Waker, time::Instant};

use iroh::endpoint::{RecvStream, SendStream};
use tracing::trace;

pub(crate) use self::ping_exchange::CONNECTION_FULL;
use self::{
    ack::AnswerLine,
    open::Opening,
    read::Buffered,
    recv_state::{RecvEvent, RecvState},
    send_state::{SendEvent, SendState},
};
pub use self::{open::OpenOptions, read::Read};
use crate::{
    connection::{
        ActiveGuard, Connection, ack_deadlines::AckDeadline, slow_readers::Reader, stop_watch::PeerStopWatch,
    },
    error::Error,
    identity::PublicKey,
    log_target,
    wire::codes::reset,
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
/// - Errors convert into [`std::io::Error`] by [`Code::io_kind`](crate::Code::io_kind); [`Code`](crate::Code) names the kind of each.
///
/// [`tokio::io::split`] gives owned halves for two tasks: each direction has a waker of its own. Shut the write half down before
/// both are dropped, or the stream is reset.
pub struct Stream {
    id: u64,
    connection: Connection,
    send_state: SendState,
    recv_state: RecvState,
    /// QUIC's half while `send_state` is live.
    send: Option<SendStream>,
    /// QUIC's half while `recv_state` is live.
    recv: Option<RecvStream>,
    /// Unsent rest of the header or the ack, and corked bytes behind it. Kept when the stream is lost: the peer has not seen it.
    unsent: Vec<u8>,
    /// A byte of payload was accepted: the stream is never opened again unseen.
    payload_accepted: bool,
    /// The peer's answer line as far as it was read; `None` once it acknowledged the stream.
    answer: Option<AnswerLine>,
    /// How a stream that this side opened waits for its ack.
    opening: Opening,
    /// Runs from the first attempt to send the header until the acknowledgement.
    ack_deadline: Option<Arc<AckDeadline>>,
    /// When a caller began to wait for the ack. A stream without such a caller reads no clock.
    ack_awaited_since: Option<Instant>,
    buffered: Buffered,
    /// The error of a lost stream; else of a receiving half that the peer reset.
    failure: Option<Box<Error>>,
    /// Reports the peer's stop while no call writes.
    stop_watch: Option<PeerStopWatch>,
    /// Waits for bytes. A writer that watches the receiving half must wake it too.
    read_waker: Option<Waker>,
    /// Waits for room. A refusal that is read while the sending half stays open must wake it too.
    write_waker: Option<Waker>,
    /// Waits in [`Stream::poll_send_ended`].
    end_waker: Option<Waker>,
    /// Records the progress of the reader, while the stream may be ended for a stalled one.
    reader: Option<Arc<Reader>>,
    /// Counts as a use of the connection until both halves have left QUIC.
    active: Option<ActiveGuard>,
    /// The counters of the endpoint include it.
    is_counted: bool,
}

impl Stream {
    /// A stream that we opened, whose header is still to be sent and its acknowledgement to come.
    fn opened(
        connection: Connection,
        send: SendStream,
        recv: RecvStream,
        active: Option<ActiveGuard>,
        header: &[u8],
        opening: Opening,
    ) -> Self {
        connection.counters().streams_opened.add(1);
        let mut stream = Self::new(connection, send, recv, active, header);
        stream.is_counted = true;
        stream.recv_state = RecvState::AwaitingAck;
        stream.answer = Some(AnswerLine::default());
        stream.opening = opening;
        trace!(target: log_target::STREAM, peer = %stream.peer(), connection = stream.connection.id(), stream = stream.id, "opened");
        stream
    }

    /// A stream that the peer opened, with what was read behind its header, and what is still to be sent first. See
    /// [`Stream::count_accepted`].
    pub(crate) fn accepted(
        connection: Connection,
        send: SendStream,
        recv: RecvStream,
        active: ActiveGuard,
        buffered: Vec<u8>,
        unsent: &[u8],
    ) -> Self {
        let mut stream = Self::new(connection, send, recv, Some(active), unsent);
        stream.buffered = buffered.into();
        trace!(target: log_target::STREAM, peer = %stream.peer(), connection = stream.connection.id(), stream = stream.id, "accepted");
        stream
    }

    fn new(
        connection: Connection,
        send: SendStream,
        recv: RecvStream,
        active: Option<ActiveGuard>,
        unsent: &[u8],
    ) -> Self {
        let header_unsent = SendState::HeaderUnsent { corked: false };
        Self {
            id: send.id().into(),
            connection,
            send_state: if unsent.is_empty() { SendState::Open } else { header_unsent },
            recv_state: RecvState::Open,
            send: Some(send),
            recv: Some(recv),
            unsent: unsent.to_vec(),
            payload_accepted: false,
            answer: None,
            opening: Opening::default(),
            ack_deadline: None,
            ack_awaited_since: None,
            buffered: Buffered::default(),
            failure: None,
            stop_watch: None,
            read_waker: None,
            write_waker: None,
            end_waker: None,
            reader: None,
            active,
            is_counted: false,
        }
    }

    /// Counts an accepted stream as acknowledged: its ack is sent, or its listener has it. Idempotent.
    pub(crate) fn count_accepted(&mut self) {
        if !std::mem::replace(&mut self.is_counted, true) {
            self.connection.counters().streams_accepted.add(1);
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

    /// Whether the peer opened it. QUIC gives even ids to the streams of the dialling side, and odd ids to the others.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.id.is_multiple_of(2) != self.connection.is_dialled()
    }

    /// The sending half has ended (finished, reset or stopped), and a writer knows of a stop.
    #[must_use]
    pub fn is_send_done(&self) -> bool {
        self.send_state.is_done()
    }

    /// The receiving half has ended, and all of it was read, its error included.
    #[must_use]
    pub fn is_recv_done(&self) -> bool {
        self.recv_state.is_done()
    }

    /// Whether everything up to the peer's FIN was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.recv_state == RecvState::Ended
    }

    /// The error of a stream that failed as a whole: refused, not acknowledged in time, or lost with its connection.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        self.whole_failure()
    }

    /// The sending half has ended, and a caller knows of its stop or failure. A failure of the whole stream that a read, write or ack
    /// returned is known for both halves.
    #[must_use]
    pub fn is_send_reported(&self) -> bool {
        self.send_state.is_reported()
    }

    /// Whether both halves are done: nothing is left to send, read or report.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_send_reported() && self.is_recv_done()
    }

    /// Whether the stream is gone and the peer cannot have acted on it: no ack arrived, this side did not [stop](Stream::stop) reading
    /// before one did, no byte of payload was accepted, and one of these holds. Its header was not sent. The peer never completed the
    /// handshake of its connection. Its connection ended with the promise that no unacknowledged stream was or will be handed to a
    /// handler (docs/wire.md, Codes). This side gave the connection up because the peer did not answer: a handler may have seen the bare
    /// header then, and sees it end in an error.
    ///
    /// Takes an ack that arrived unread into account.
    #[must_use]
    pub fn may_be_sent_again(&mut self) -> bool {
        if self.connection.is_live() {
            return false;
        }
        self.take_unread_ack();
        let unseen = self.is_unprocessed() || self.connection.is_abandoned();
        // An extra line travels with the header: only a peer that got no packet has not read it.
        let unread = !self.opening.has_extra || self.connection.is_handshake_abandoned();
        self.is_unacknowledged() && !self.payload_accepted && unread && unseen
    }

    /// Whether no handler of the peer has seen, or will see, any part of this stream, whose connection has ended. Takes only an ack that
    /// was read into account.
    fn is_unprocessed(&self) -> bool {
        let header_unsent = !self.unsent.is_empty() && !self.payload_accepted;
        self.is_unacknowledged() && (header_unsent || self.connection.promises_unprocessed())
    }

    /// Whether the stream is to be opened again: [`OpenOptions::retry`] is set, and [`Stream::may_be_sent_again`]. Counts the retry.
    pub fn take_retry(&mut self) -> bool {
        let retries = self.opening.retry && self.may_be_sent_again();
        if retries {
            self.connection.counters().stream_retries.add(1);
        }
        retries
    }

    /// Whether the whole header, or the ack, was accepted for sending.
    pub(crate) fn is_header_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Whether no ack was read that this side needs. False once this side stopped reading, which may have discarded the ack.
    fn is_unacknowledged(&self) -> bool {
        self.answer.is_some() && self.recv_state != RecvState::Stopped
    }

    fn peer(&self) -> PublicKey {
        self.connection.remote()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Dropping a half of noq's would finish it: a clean end to a message that was cut short.
        self.abandon(reset::ABANDONED);
        self.settle_ack();
        if self.reader.is_some() {
            self.connection.forget_reader(self.id);
        }
        if self.is_counted {
            self.connection.counters().streams_ended.add(1);
        }
    }
}
