//! Streams that the program accepts or refuses before their ack.

use super::{IncomingStream, Listener};
use crate::{
    connection::Connection,
    error::Result,
    identity::PublicKey,
    protocol::Protocol,
    stream::Stream,
    wire::refusal::{Refusal, word},
};

/// Like [`Listener`], but acknowledges no stream by itself: the program accepts or refuses each [`PendingStream`]. Made by
/// [`crate::Endpoint::listen_pending`].
///
/// Once the endpoint drains, queued streams are refused as `shutdown`.
#[derive(Clone, Debug)]
pub struct PendingListener(Listener);

impl PendingListener {
    pub(crate) fn new(listener: Listener) -> Self {
        Self(listener)
    }

    /// Waits for the next stream. Fair: streams go to the waiting tasks in the order of their calls. A call that is woken and not
    /// polled delays the others by 5 ms at most. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once no further stream can come: the endpoint drains or has closed, or the listener's connection has ended.
    pub async fn accept(&self) -> Result<PendingStream> {
        loop {
            let incoming = self.0.accept().await?;
            if let Some(protocol) = self.0.queue().protocol(&incoming).cloned() {
                let connection = incoming.stream.connection().clone();
                return Ok(PendingStream { incoming: Some(incoming), protocol, connection });
            }
        }
    }
}

/// A stream that a peer opened and that is not acknowledged yet. Decide promptly: the peer waits for its ack timeout, 10 s by
/// default. Dropping it refuses the stream as `busy`.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> fastn_net::Result<()> {
/// use fastn_net::{Code, Config, Endpoint, Network, OpenOptions, Protocol, SecretKey, wire::{header, refusal::word}};
///
/// let server = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
/// let listener = server.listen_pending(None, &[Protocol::Tcp], false)?;
/// server.spawn(async move {
///     while let Ok(pending) = listener.accept().await {
///         pending.refuse(word::TOO_MANY_STREAMS, "one tunnel at a time");
///     }
/// });
///
/// let client = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
/// let peer = client.peer(&server.address())?;
/// let header = header::encode(&Protocol::Tcp, None)?;
/// let refused = client.get_stream(&peer, &header, OpenOptions::default()).await.unwrap_err();
/// assert_eq!(refused.code(), Code::TooManyStreams);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PendingStream {
    /// `None` once decided.
    incoming: Option<IncomingStream>,
    protocol: Protocol,
    connection: Connection,
}

impl PendingStream {
    /// The protocol of the stream's header.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The key of the peer that opened it.
    #[must_use]
    pub fn peer(&self) -> PublicKey {
        self.connection.remote()
    }

    /// The connection that it runs on.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Accepts the stream and sends its ack. If flow control blocks the ack now, it goes with the next call of the stream. Never
    /// fails: a stream that the peer gave up reports that on the first read or write.
    #[must_use = "a dropped stream is reset"]
    #[expect(clippy::missing_panics_doc, reason = "a decision takes the stream with it: there is one")]
    pub fn accept(mut self) -> Stream {
        let IncomingStream { mut stream, .. } = self.incoming.take().expect("present until decided");
        stream.count_accepted();
        stream.end_if_revoked();
        stream.try_flush();
        stream
    }

    /// Refuses the stream. `word` is one of [`crate::wire::refusal::word`], which the dialler maps to an error code, or another word
    /// of at most 64 bytes, which it reports as `ERR_REFUSED`. `message` is for a person; the peer gets 1 KiB of it at most.
    pub fn refuse(mut self, word: &str, message: &str) {
        self.refuse_with(word, message);
    }

    fn refuse_with(&mut self, word: &str, message: &str) {
        if let Some(incoming) = self.incoming.take() {
            incoming.refuse(&Refusal::new(word, message));
        }
    }
}

impl Drop for PendingStream {
    fn drop(&mut self) {
        self.refuse_with(word::BUSY, "the stream was dropped here without a decision");
    }
}
