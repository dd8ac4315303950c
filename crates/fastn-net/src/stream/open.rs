//! Opening streams on a connection.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::Stream;
use crate::{
    connection::{ActiveGuard, Connection},
    error::{Code, Error, Result},
    options::options,
    protocol::Protocol,
    wire::{alpn::Alpn, codes::reset, header},
};

options! {
    /// How a stream is opened. Start from the defaults: assign fields, or chain the `with_…` methods.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct OpenOptions {
        /// An extra line follows the header: a stream that the peer may have seen is never sent again.
        pub has_extra, with_extra: bool = false;
        /// Wait for the peer's ack.
        pub await_ack, with_await_ack: bool = true;
        /// Redial an unreachable peer, and reopen a stream that the peer cannot have seen.
        pub retry, with_retry: bool = true;
        /// Deadline of the whole call: dials, retries and the ack. Zero takes a live connection only, and never an ack.
        pub timeout, with_timeout: Duration = Duration::from_secs(30);
    }
}

impl OpenOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self::DEFAULT
    }

    /// Fails where the ack, which takes a round trip, cannot arrive in time. The peer then sees no stream.
    fn check_ack_time(self) -> Result<()> {
        if !self.await_ack || !self.timeout.is_zero() {
            return Ok(());
        }
        let text = "the peer cannot acknowledge a stream within 0 ms: give it more time, or open with ack: 'later'";
        Err(Error::new(Code::AckTimeout, text))
    }
}

/// How a stream that this side opened waits for its ack.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opening {
    pub(super) has_ack_deadline: bool,
    /// Can only shorten the endpoint's.
    pub(super) ack_limit: Option<Duration>,
    /// Resets a stream whose deadline has expired.
    pub(super) expiry_code: u64,
    pub(super) has_extra: bool,
    pub(super) retry: bool,
}

impl Opening {
    /// A ping has a limit of its own.
    pub(super) const PING: Self = Self {
        has_ack_deadline: false,
        ack_limit: None,
        expiry_code: reset::ABANDONED,
        has_extra: false,
        retry: false,
    };
}

impl From<OpenOptions> for Opening {
    fn from(options: OpenOptions) -> Self {
        Self {
            has_ack_deadline: true,
            ack_limit: options.await_ack.then_some(options.timeout),
            expiry_code: reset::CANCELLED,
            has_extra: options.has_extra,
            retry: options.retry,
        }
    }
}

impl Connection {
    /// We may open streams on it: always on `/fastn-net/1`, else only where we dialled (docs/wire.md, Connection).
    #[must_use]
    pub fn can_open(&self) -> bool {
        self.alpn().is_native() || self.is_dialled()
    }

    /// Opens a stream without waiting; `None` if that takes a wait. Its header travels with the first bytes that are written, or
    /// with [`Stream::poll_flush`], or when something is read.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST`; `ERR_PROTOCOL_UNSUPPORTED` if the peer speaks only the oldest protocol; `ERR_CLOSED` once the endpoint
    /// closes; `ERR_ACK_TIMEOUT` if the ack is awaited and the timeout is zero.
    pub fn try_open(&self, header: &[u8], options: OpenOptions) -> Result<Option<Stream>> {
        let is_last = self.check_spoken(header)?;
        let Some(used) = self.acquire_for_open(is_last)? else { return Ok(None) };
        options.check_ack_time()?;
        let mut cx = Context::from_waker(Waker::noop());
        let (send, recv) = match pin!(self.open_bi()).poll(&mut cx) {
            Poll::Ready(Ok(halves)) => halves,
            Poll::Ready(Err(_)) => return Err(self.unopened_error()),
            Poll::Pending => return Ok(None),
        };
        Ok(Some(Stream::opened(self.clone(), send, recv, Some(used), header, options.into())))
    }

    /// Opens a stream and does not send its header yet. The flag of an error: the peer cannot have seen the whole header.
    pub(crate) async fn open_unsent(&self, header: &[u8], options: OpenOptions) -> Result<Stream, (Error, bool)> {
        let is_last = self.check_spoken(header).map_err(|error| (error, false))?;
        let used = self.acquire_for_open(is_last).map_err(|error| (error, false))?;
        let Some(used) = used else { return Err((self.unopened_error(), true)) };
        options.check_ack_time().map_err(|error| (error, false))?;
        let mut opening = Opening::from(options);
        if options.await_ack {
            // No caller has the stream before the ack.
            opening.expiry_code = reset::ABANDONED;
        }
        self.open_as(header, Some(used), opening).await
    }

    /// Sends the header of a stream that was opened on this connection. Cancel-safe. The flag as above.
    pub(crate) async fn send_header(&self, stream: &mut Stream) -> Result<(), (Error, bool)> {
        // While the connection lives, it is the peer that ended a stream before its header was whole.
        poll_fn(|cx| stream.poll_flush(cx)).await.map_err(|error| (error, !self.is_live()))
    }

    /// Opens a stream that counts as a use of the connection, or as none. Its header is not sent yet.
    pub(super) async fn open_as(
        &self,
        header: &[u8],
        active: Option<ActiveGuard>,
        opening: Opening,
    ) -> Result<Stream, (Error, bool)> {
        let (send, recv) = self.open_bi().await.map_err(|_| (self.unopened_error(), true))?;
        Ok(Stream::opened(self.clone(), send, recv, active, header, opening))
    }

    /// Fails where [`Connection::can_open`] is false.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    pub fn check_can_open(&self) -> Result<()> {
        if self.can_open() {
            return Ok(());
        }
        let text = "the peer made this connection and speaks only the older protocol: it accepts no stream on it; \
                    use the endpoint's getStream, which makes a connection of its own";
        Err(Error::new(Code::InvalidArgument, text))
    }

    /// malai and kulfi peers know few protocols (docs/wire.md, Connection). Returns whether the peer accepts no other stream on the
    /// connection before this one has ended: malai answers the HTTP requests of a connection one after the other.
    fn check_spoken(&self, header: &[u8]) -> Result<bool> {
        if self.alpn() != Alpn::Kulfi {
            return Ok(false);
        }
        let line = header.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let protocol = header::decode(line)?;
        if protocol.is_kulfi() {
            return Ok(protocol == Protocol::Http);
        }
        let text = format!("a peer that speaks only {} does not know {protocol}", self.alpn().as_str());
        Err(Error::new(Code::ProtocolUnsupported, text))
    }
}
