//! Connections after an upgrade, such as to WebSocket: bytes both ways.

use std::{
    io,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tracing::debug;

use super::{http_io::HttpIo, line_ends::Checked};
use crate::log_target;

/// Copies both ways until both directions have ended. A failure resets both sides. Notices the loss of the peer even while the local side
/// reads nothing, and the peer's stream is therefore not read.
pub(super) async fn join(client: OnUpgrade, service: OnUpgrade) {
    let copied = async {
        let (client, service) = tokio::try_join!(client, service).map_err(io::Error::other)?;
        let moved = AtomicUsize::new(0);
        let (client, service) = (Switched::new(client)?, Switched::new(service)?);
        let peer = client.io.peer().or_else(|| service.io.peer());
        let [mut client, mut service] = [client, service].map(|switched| Side { switched, moved: &moved });
        let failed = async {
            match peer {
                Some(peer) => peer.failed(&moved).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            copied = copy_bidirectional(&mut client, &mut service) => copied.map(|_| ()),
            () = failed => Err(io::Error::new(io::ErrorKind::ConnectionReset, "the peer is lost, or has reset the stream")),
        }
    };
    if let Err(error) = copied.await {
        debug!(target: log_target::TUNNEL, %error, "an upgraded connection failed");
    }
}

/// A connection that has left HTTP.
pub(in crate::tunnel) struct Switched {
    /// Bytes that hyper has read beyond the head.
    early: Bytes,
    io: HttpIo,
}

impl Switched {
    pub(in crate::tunnel) fn new(upgraded: Upgraded) -> io::Result<Self> {
        let parts =
            upgraded.downcast::<TokioIo<Checked>>().map_err(|_| io::Error::other("no connection of a tunnel"))?;
        let (io, replaced) = parts.io.into_inner().into_inner();
        let mut early = parts.read_buf;
        if let Some(at) = replaced.and_then(|count| early.len().checked_sub(count)) {
            let mut bytes = early.to_vec();
            bytes[at] = b'\n';
            early = bytes.into();
        }
        Ok(Self { early, io })
    }
}

impl AsyncRead for Switched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, into);
        }
        let count = self.early.len().min(into.remaining());
        into.put_slice(&self.early[..count]);
        self.early.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Switched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// One side of the connection.
struct Side<'a> {
    switched: Switched,
    /// Bytes that either side has accepted.
    moved: &'a AtomicUsize,
}

impl AsyncRead for Side<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.switched).poll_read(cx, into)
    }
}

impl AsyncWrite for Side<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.switched).poll_write(cx, bytes))?;
        self.moved.fetch_add(count, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.switched).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.switched).poll_shutdown(cx)
    }
}
