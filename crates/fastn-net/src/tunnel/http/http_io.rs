//! The one type of connection that hyper drives.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::io::{LocalIo, PeerHandle, PeerIo};

/// Size in bytes of the largest head, and of the buffers of a connection.
pub(super) const MAX_BUFFER: usize = 64 * 1024;

/// A connection of a client, a service or a peer. One type for all: hyper's code is compiled once for each.
pub(in crate::tunnel) enum HttpIo {
    Peer(PeerIo),
    Local(LocalIo),
    Tls(Box<TlsStream<LocalIo>>),
}

/// Calls a method that all have.
macro_rules! each {
    ($self:ident, $io:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Peer(io) => {
                let $io = Pin::new(io);
                $call
            }
            Self::Local(io) => {
                let $io = Pin::new(io);
                $call
            }
            Self::Tls(io) => {
                let $io = Pin::new(io);
                $call
            }
        }
    };
}

impl HttpIo {
    /// The peer's stream, if it is one.
    pub(super) fn peer(&self) -> Option<PeerHandle> {
        match self {
            Self::Peer(io) => Some(io.handle()),
            Self::Local(_) | Self::Tls(_) => None,
        }
    }

    /// Whether TLS negotiated HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Tls(io) if io.get_ref().1.alpn_protocol() == Some(b"h2"))
    }
}

impl AsyncRead for HttpIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_read(cx, into))
    }
}

impl AsyncWrite for HttpIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Peer(io) => io.is_write_vectored(),
            Self::Local(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_shutdown(cx))
    }
}
