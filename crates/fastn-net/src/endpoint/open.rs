//! Opening streams: the connection, the number of tries, and the time limit.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tracing::debug;

use super::Endpoint;
use crate::{
    connection::Connection,
    deadline::{limit_text, within},
    error::{Code, Error, Result},
    log_target,
    peer::{Peer, Tries},
    protocol::Protocol,
    stream::{CONNECTION_FULL, OpenOptions, Stream},
    wire::header,
};

impl Endpoint {
    /// Opens a stream to a peer over the pair's one connection. Dials if there is none. `extra` is a line after the header, for protocols
    /// that have one; a stream with it is never silently reopened. Sets [`OpenOptions::has_extra`] itself. Cancel-safe: an untaken stream
    /// is reset.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` if `extra` contains a line break. Those of [`Endpoint::connect`]; `ERR_TOO_MANY_STREAMS`,
    /// `ERR_ACK_TIMEOUT`, `ERR_CONNECTION_LOST`, and the error of a refusal by the peer.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> std::io::Result<()> {
    /// use fastn_net::{Config, Endpoint, Network, OpenOptions, Protocol, SecretKey};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// let server = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
    /// let listener = server.listen(None, &[Protocol::Tcp], false)?;
    /// let client = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
    /// let peer = client.peer(&server.address())?;
    ///
    /// let mut stream = client.open(&peer, &Protocol::Tcp, Some(b"lang=en"), OpenOptions::default()).await?;
    /// stream.write_all(b"hello\n").await?;
    /// stream.shutdown().await?;
    ///
    /// let mut received = String::new();
    /// listener.accept().await?.stream.read_to_string(&mut received).await?;
    /// assert_eq!(received, "lang=en\nhello\n");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(
        &self,
        peer: &Peer,
        protocol: &Protocol,
        extra: Option<&[u8]>,
        options: OpenOptions,
    ) -> Result<Stream> {
        let header = header::encode(protocol, extra)?;
        self.get_stream(peer, &header, options.with_extra(extra.is_some())).await
    }

    /// Same, with the encoded header: its line with the newline, plus the extra line if the protocol has one.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::open`].
    pub async fn get_stream(&self, peer: &Peer, header: &[u8], options: OpenOptions) -> Result<Stream> {
        let phase = Phase::new();
        let open = async {
            let mut tries = Tries::new(self.limits().connect.retries, options.retry);
            loop {
                phase.set(Phase::DIALLING);
                let connection = self.connection_to(peer, tries).await?;
                match self.open_on(&connection, header, options, &phase).await {
                    Ok(stream) => return Ok(stream),
                    // A handshake that the peer abandoned is a failed dial.
                    Err(Failed { error, .. }) if tries.retries == Some(0) && connection.is_handshake_abandoned() => {
                        return Err(error);
                    }
                    Err(Failed { unseen: true, .. }) if options.retry => {
                        debug!(target: log_target::STREAM, peer = %peer.id(), connection = connection.id(), "the connection went before the peer took the stream: again");
                        self.0.counters.stream_retries.add(1);
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

    /// Opens a stream over a live connection, without waiting; `None` if it must wait: call [`Endpoint::get_stream`] then. The header is
    /// sent with the first written bytes, by [`Stream::poll_flush`], or by the first read. If [`Stream::take_retry`] returns true later,
    /// call [`Endpoint::get_stream`] too.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST` without [`OpenOptions::retry`]; `ERR_PROTOCOL_UNSUPPORTED`; `ERR_CLOSED` once the endpoint closes.
    pub fn try_open(&self, peer: &Peer, header: &[u8], options: OpenOptions) -> Result<Option<Stream>> {
        if self.0.lifecycle.is_closing() {
            return Err(Error::closed());
        }
        let Some(connection) = peer.connection() else { return Ok(None) };
        match connection.try_open(header, options) {
            // The connection ended before anything was sent: use another one.
            Err(error) if options.retry && error.code() == Code::ConnectionLost => Ok(None),
            opened => opened,
        }
    }

    /// Opens a stream on this connection only. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::get_stream`], and `ERR_INVALID_ARGUMENT` if the peer never accepts a stream on this connection.
    pub async fn open_bi(&self, connection: &Connection, header: &[u8], options: OpenOptions) -> Result<Stream> {
        connection.check_can_open()?;
        let phase = Phase::new();
        let open = self.open_on(connection, header, options, &phase);
        match within(options.timeout, open).await {
            Some(opened) => opened.map_err(|failed| failed.error),
            None => Err(phase.timed_out(options.timeout)),
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
        let mut stream = connection.open_unsent(header, options).await.map_err(failed)?;
        phase.sending(connection);
        connection.send_header(&mut stream).await.map_err(failed)?;
        if options.await_ack {
            phase.set(Phase::ACKNOWLEDGING);
            if let Err(error) = stream.acknowledged().await {
                return Err(Failed { unseen: stream.may_be_sent_again(), error });
            }
        }
        Ok(stream)
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
