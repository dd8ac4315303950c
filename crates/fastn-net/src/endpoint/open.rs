//! Opening streams: over which connection, how often, and for how long.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tracing::debug;

use super::Endpoint;
use crate::{
    connection::Connection,
    deadline::{after, limit_text},
    error::{Code, Error, Result},
    peer::{Peer, Tries},
    stream::{CONNECTION_FULL, Stream},
    target,
};

/// How a stream is opened. Start from the defaults: assign fields, or chain the `with_…` methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// An extra line follows the header: a stream that the peer may have seen is never sent again. Default: false.
    pub has_extra: bool,
    /// Wait for the peer's ack. Default: true.
    pub await_ack: bool,
    /// Redial an unreachable peer, and reopen a stream that the peer cannot have seen. Default: true.
    pub retry: bool,
    /// Deadline of the whole call: dials, retries and the ack. Default: 30 s.
    pub timeout: Duration,
}

impl OpenOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { has_extra: false, await_ack: true, retry: true, timeout: Duration::from_secs(30) }
    }

    /// Sets [`OpenOptions::has_extra`].
    #[must_use]
    pub const fn with_extra(mut self, has_extra: bool) -> Self {
        self.has_extra = has_extra;
        self
    }

    /// Sets [`OpenOptions::await_ack`].
    #[must_use]
    pub const fn with_await_ack(mut self, await_ack: bool) -> Self {
        self.await_ack = await_ack;
        self
    }

    /// Sets [`OpenOptions::retry`].
    #[must_use]
    pub const fn with_retry(mut self, retry: bool) -> Self {
        self.retry = retry;
        self
    }

    /// Sets [`OpenOptions::timeout`].
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Endpoint {
    /// Opens a stream to a peer over the pair's one connection. Dials if there is none. `header` is the header line with its
    /// newline, plus the extra line if the protocol has one. Cancel-safe: an untaken stream is reset.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::connect`]; `ERR_TOO_MANY_STREAMS`, `ERR_ACK_TIMEOUT`, `ERR_CONNECTION_LOST`, and the error of a
    /// refusal by the peer.
    pub async fn get_stream(&self, peer: &Peer, header: &[u8], options: OpenOptions) -> Result<Stream> {
        let phase = Phase::new();
        let open = async {
            let mut tries = Tries::new(self.limits().connect.retries, options.retry);
            loop {
                phase.set(Phase::DIALLING);
                let connection = self.connection_to(peer, tries).await?;
                match self.open_on(&connection, header, options, &phase).await {
                    Ok(stream) => return Ok(stream),
                    // A handshake that the peer gave up is a failed dial.
                    Err(Failed { error, .. }) if tries.retries == Some(0) && connection.is_handshake_abandoned() => {
                        return Err(error);
                    }
                    Err(Failed { unseen: true, .. }) if options.retry => {
                        debug!(target: target::STREAM, peer = %peer.id(), connection = connection.id(), "the connection went before the peer took the stream: again");
                        self.0.counters.stream_retried();
                        // Until the actor has seen this too, it would return the same connection.
                        connection.unusable().await;
                        tries = tries.next();
                    }
                    Err(Failed { error, .. }) => return Err(error),
                }
            }
        };
        match peer.within(&self.inner().peer_context, options.timeout, open).await {
            Ok(opened) => opened,
            Err(unreachable) if phase.is_dialling() => Err(unreachable),
            Err(_) => Err(phase.timed_out(options.timeout)),
        }
    }

    /// Opens a stream on one connection and no other. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::get_stream`], and `ERR_INVALID_ARGUMENT` where the peer never accepts a stream on this connection.
    pub async fn open_bi(&self, connection: &Connection, header: &[u8], options: OpenOptions) -> Result<Stream> {
        connection.check_can_open()?;
        let phase = Phase::new();
        let open = self.open_on(connection, header, options, &phase);
        match tokio::time::timeout(options.timeout, open).await {
            Ok(opened) => opened.map_err(|failed| failed.error),
            Err(_) => Err(phase.timed_out(options.timeout)),
        }
    }

    async fn open_on(
        &self,
        connection: &Connection,
        header: &[u8],
        options: OpenOptions,
        phase: &Phase,
    ) -> Result<Stream, Failed> {
        phase.set(Phase::OPENING);
        let failed = |(error, unseen)| Failed { unseen: unseen && !is_final(&error), error };
        let mut stream = connection.open_unsent(header).await.map_err(failed)?;
        phase.sending(connection);
        let limit = self.limits().ack_timeout;
        let until = after(Instant::now(), limit);
        let sending = connection.with_liveness_checks(connection.send_header(&mut stream));
        if options.await_ack {
            let timed_out = |_| Failed { error: phase.timed_out(limit), unseen: false };
            tokio::time::timeout_at(until, sending).await.map_err(timed_out)?.map_err(failed)?;
        } else {
            sending.await.map_err(failed)?;
            return Ok(stream);
        }
        phase.set(Phase::ACKNOWLEDGING);
        match tokio::time::timeout_at(until, stream.acknowledged()).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(error)) => {
                let unread = !options.has_extra || connection.is_handshake_abandoned();
                let unseen = unread && stream.may_be_sent_again();
                Err(Failed { error, unseen })
            }
            Err(_) => Err(Failed { error: phase.timed_out(limit), unseen: false }),
        }
    }
}

/// Why opening a stream failed, and whether the peer cannot have seen it.
struct Failed {
    error: Error,
    unseen: bool,
}

/// The current phase, for the message of a timeout.
struct Phase {
    step: AtomicU8,
    /// The connection on which the stream sends its header or waits for its ack.
    on: Mutex<Option<Connection>>,
}

impl Phase {
    const DIALLING: u8 = 0;
    const OPENING: u8 = 1;
    const SENDING: u8 = 2;
    const ACKNOWLEDGING: u8 = 3;

    fn new() -> Self {
        Self { step: AtomicU8::new(Self::DIALLING), on: Mutex::default() }
    }

    fn set(&self, step: u8) {
        self.step.store(step, Ordering::Relaxed);
    }

    fn sending(&self, connection: &Connection) {
        *self.on.lock().expect("no panic while held") = Some(connection.clone());
        self.set(Self::SENDING);
    }

    fn is_dialling(&self) -> bool {
        self.step.load(Ordering::Relaxed) == Self::DIALLING
    }

    fn timed_out(&self, limit: Duration) -> Error {
        let (code, text, advice) = match self.step.load(Ordering::Relaxed) {
            Self::DIALLING => (Code::Unreachable, "there was no connection to the peer", ""),
            Self::OPENING => (Code::TooManyStreams, "the peer has allowed no further stream", ": finish some first"),
            Self::SENDING => (Code::AckTimeout, "the peer took no more bytes on the connection", CONNECTION_FULL),
            _ => {
                if let Some(connection) = &*self.on.lock().expect("no panic while held") {
                    connection.mark_stalled();
                }
                (Code::AckTimeout, "the peer has not acknowledged the stream", "")
            }
        };
        Error::new(code, format!("{text} within {}{advice}", limit_text(limit)))
    }
}

/// Whether a redial after this error is pointless.
fn is_final(error: &Error) -> bool {
    matches!(error.code(), Code::Unauthorized | Code::Closed)
}
