//! Opening streams on a connection.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::Stream;
use crate::{
    connection::{ActiveGuard, Connection},
    error::{Code, Error, Result},
    wire::{alpn::Alpn, header},
};

impl Connection {
    /// We may open streams on it: always on `/fastn-net/1`, else only where we dialled (docs/wire.md, Connection).
    #[must_use]
    pub fn can_open(&self) -> bool {
        self.alpn().is_native() || self.is_dialled()
    }

    /// Opens a stream without waiting, or gives `None` where that needs a wait. Its header goes with the first bytes that
    /// are written, or with [`Stream::poll_flush`], or when something is read.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST`.
    pub fn try_open(&self, header: &[u8]) -> Result<Option<Stream>> {
        self.check_spoken(header)?;
        let Some(used) = self.acquire_for_open() else { return Ok(None) };
        let mut cx = Context::from_waker(Waker::noop());
        let (send, recv) = match pin!(self.open_bi()).poll(&mut cx) {
            Poll::Ready(Ok(halves)) => halves,
            Poll::Ready(Err(_)) => return Err(self.unopened_error()),
            Poll::Pending => return Ok(None),
        };
        Ok(Some(Stream::opened(self.clone(), send, recv, Some(used), header)))
    }

    /// Opens a stream and writes its header. Cancel safe: a stream without its whole header is reset.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST`, and what the peer refused with; the flag is true where the peer cannot have seen the whole header.
    pub async fn open(&self, header: &[u8]) -> Result<Stream, (Error, bool)> {
        let mut stream = self.open_unsent(header).await?;
        self.send_header(&mut stream).await?;
        Ok(stream)
    }

    /// Opens a stream and does not send its header yet. See [`Connection::open`].
    pub(crate) async fn open_unsent(&self, header: &[u8]) -> Result<Stream, (Error, bool)> {
        self.check_spoken(header).map_err(|error| (error, false))?;
        let Some(used) = self.acquire_for_open() else { return Err((self.unopened_error(), true)) };
        self.open_as(header, Some(used)).await
    }

    /// Sends the header of a stream that was opened on this connection. See [`Connection::open`].
    pub(crate) async fn send_header(&self, stream: &mut Stream) -> Result<(), (Error, bool)> {
        // While the connection lives, it is the peer that ended a stream before its header was whole.
        poll_fn(|cx| stream.poll_flush(cx)).await.map_err(|error| (error, !self.is_live()))
    }

    /// Opens a stream that counts as a use of the connection, or as none. Its header is not sent yet.
    pub(crate) async fn open_as(&self, header: &[u8], used: Option<ActiveGuard>) -> Result<Stream, (Error, bool)> {
        let (send, recv) = self.open_bi().await.map_err(|_| (self.unopened_error(), true))?;
        Ok(Stream::opened(self.clone(), send, recv, used, header))
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

    /// malai and kulfi peers know few protocols (docs/wire.md, Connection).
    fn check_spoken(&self, header: &[u8]) -> Result<()> {
        if self.alpn() != Alpn::Kulfi {
            return Ok(());
        }
        let line = header.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let protocol = header::decode(line)?;
        if protocol.is_kulfi() {
            return Ok(());
        }
        let text = format!("a peer that speaks only {} does not know {}", self.alpn().as_str(), protocol.to_json());
        Err(Error::new(Code::ProtocolUnsupported, text))
    }
}
