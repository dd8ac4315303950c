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
        let (mut client, mut service) = (Side::new(client, &moved)?, Side::new(service, &moved)?);
        let peer = client.io.peer().or_else(|| service.io.peer());
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

/// One side of the connection.
struct Side<'a> {
    /// Bytes that hyper has read beyond the head.
    early: Bytes,
    io: HttpIo,
    /// Bytes that either side has accepted.
    moved: &'a AtomicUsize,
}

impl<'a> Side<'a> {
    fn new(upgraded: Upgraded, moved: &'a AtomicUsize) -> io::Result<Self> {
        let parts =
            upgraded.downcast::<TokioIo<Checked>>().map_err(|_| io::Error::other("no connection of a tunnel"))?;
        Ok(Self { early: parts.read_buf, io: parts.io.into_inner().into_inner(), moved })
    }
}

impl AsyncRead for Side<'_> {
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

impl AsyncWrite for Side<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.moved.fetch_add(count, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
