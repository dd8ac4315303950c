//! A stream for async Rust: methods that wait, `AsyncRead` and `AsyncWrite`.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;
use crate::error::Result;

impl Stream {
    /// Waits for the peer's ack of a stream that this side opened. Returns at once on an accepted stream. While the ack is late,
    /// the connection's liveness is checked. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`Stream::poll_ack`].
    pub async fn acknowledged(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_ack(cx)).await
    }

    /// Reads some bytes into `into` and returns their number; 0 is EOF, unless `into` is empty. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`Stream::poll_read`].
    pub async fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        poll_fn(|cx| Self::poll_read(self, cx, into)).await.map(|read| read.count)
    }

    /// Writes all bytes. Not cancel-safe: a cancelled call may have written some of them.
    ///
    /// # Errors
    ///
    /// Those of [`Stream::poll_write`].
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let count = poll_fn(|cx| Self::poll_write(self, cx, bytes)).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = ready!(Self::poll_read(&mut self, cx, into.initialize_unfilled()))?;
        into.advance(read.count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Self::poll_write(&mut self, cx, bytes).map_err(io::Error::from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(&mut self, cx).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Self::poll_flush(&mut self, cx))?;
        self.finish();
        Poll::Ready(Ok(()))
    }
}
