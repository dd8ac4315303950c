//! A peer's stream and a local socket, as connections that hyper drives.
//!
//! Dropping either one before its shutdown is a failure to the other end: a reset. hyper shuts down only connections that ended cleanly.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    sync::Notify,
};

use super::super::{
    pipe::{LAST_BYTES, is_unwanted, put_buffer, take_buffer},
    socket::Socket,
    write_batching::count_written,
};
use crate::{stream::Stream, wire::codes::reset};

/// See [`LocalIo::linger`].
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// A shorter message is written in one piece: several cost the system more than a copy.
const JOINED: usize = 1024;

/// A peer's stream.
pub(in crate::tunnel) struct PeerIo {
    stream: Arc<Mutex<Stream>>,
    /// See [`Stream::give_up_unread`].
    given_up: Arc<Notify>,
    /// The peer accepts no more bytes, without an error.
    is_unwanted: bool,
}

/// Access to the stream while hyper owns it.
#[derive(Clone)]
pub(in crate::tunnel) struct PeerHandle {
    stream: Arc<Mutex<Stream>>,
    given_up: Arc<Notify>,
}

impl PeerIo {
    pub(in crate::tunnel) fn new(stream: Stream) -> Self {
        let (stream, given_up) = (Arc::new(Mutex::new(stream)), Arc::new(Notify::new()));
        let (weak, weak_too, alarm) = (Arc::downgrade(&stream), Arc::downgrade(&stream), given_up.clone());
        let has_unread = move || weak.upgrade().is_some_and(|stream| lock(&stream).has_unread());
        lock(&stream).give_up_unread(has_unread, move || {
            if let Some(stream) = weak_too.upgrade() {
                lock(&stream).abandon(reset::UNREAD);
            }
            alarm.notify_one();
        });
        Self { stream, given_up, is_unwanted: false }
    }

    pub(in crate::tunnel) fn handle(&self) -> PeerHandle {
        PeerHandle { stream: self.stream.clone(), given_up: self.given_up.clone() }
    }
}

impl PeerHandle {
    /// Resolves when the peer accepts no more bytes, is lost, or its stream was ended as stalled. Cancel-safe.
    pub(in crate::tunnel) async fn left(&self) {
        tokio::select! {
            _ = std::future::poll_fn(|cx| lock(&self.stream).poll_send_ended(cx)) => {}
            () = self.given_up.notified() => {}
        }
    }

    /// Resolves when the stream was given up, or when the peer has reset the stream or is lost and `moved` no longer changes: a slow
    /// client still gets the received bytes. Cancel-safe.
    pub(in crate::tunnel) async fn failed(&self, moved: &AtomicUsize) {
        let connection = lock(&self.stream).connection().clone();
        // A peer that accepts no more bytes may still send.
        let reset = std::future::poll_fn(|cx| match lock(&self.stream).poll_send_ended(cx) {
            Poll::Ready(error) if !is_unwanted(&error) => Poll::Ready(()),
            _ => Poll::Pending,
        });
        tokio::select! {
            () = reset => {}
            _ = connection.closed() => {}
            () = self.given_up.notified() => return,
        }
        loop {
            let before = moved.load(Ordering::Relaxed);
            tokio::time::sleep(LAST_BYTES).await;
            if moved.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }

    /// Resets the halves that have not ended.
    pub(in crate::tunnel) fn abandon(&self, code: u64) {
        lock(&self.stream).abandon(code);
    }
}

fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().expect("no panic while held")
}

impl AsyncRead for PeerIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // hyper's own buffer is not initialised, and longer than most messages.
        let mut buffer = take_buffer();
        let most = into.remaining().min(buffer.len());
        let read = lock(&self.stream).poll_read(cx, &mut buffer[..most]);
        if let Poll::Ready(Ok(read)) = &read {
            into.put_slice(&buffer[..read.count]);
        }
        put_buffer(buffer);
        read.map_ok(|_| ()).map_err(io::Error::from)
    }
}

impl AsyncWrite for PeerIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_unwanted {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(lock(&self.stream).poll_write(cx, bytes));
        match written {
            // The peer has answered without reading everything, and the answer says why.
            Err(error) if is_unwanted(&error) => {
                self.is_unwanted = true;
                Poll::Ready(Ok(bytes.len()))
            }
            written => {
                count_written(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written.map_err(io::Error::from))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.stream).finish();
        Poll::Ready(Ok(()))
    }
}

/// A socket of this machine.
pub(in crate::tunnel) struct LocalIo {
    socket: Socket,
    /// Whether it is the socket of a service, which may still answer after it has stopped reading.
    is_service: bool,
    /// The service has stopped reading. Writes are discarded.
    is_unwanted: bool,
}

impl LocalIo {
    /// The socket of a client.
    pub(in crate::tunnel) fn client(socket: Socket) -> Self {
        Self { socket, is_service: false, is_unwanted: false }
    }

    /// The socket of a service.
    pub(in crate::tunnel) fn service(socket: Socket) -> Self {
        Self { socket, is_service: true, is_unwanted: false }
    }

    /// Discards bytes that a client sends after its last answer, for a while. Closing a socket with unread bytes resets it, and the reset
    /// can destroy an answer in transit.
    pub(in crate::tunnel) async fn linger(mut self) {
        let discard = async {
            let mut discarded = [0; 8 * 1024];
            let mut left = LINGER_BYTES;
            while let Ok(count) = self.socket.read(&mut discarded).await
                && count > 0
                && left > count
            {
                left -= count;
            }
        };
        let _ = tokio::time::timeout(LINGER, discard).await;
    }

    fn written(&mut self, written: io::Result<usize>, all: usize) -> io::Result<usize> {
        match written {
            Err(error)
                if self.is_service
                    && matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                self.is_unwanted = true;
                Ok(all)
            }
            written => written,
        }
    }
}

impl AsyncRead for LocalIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, into)
    }
}

impl AsyncWrite for LocalIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_unwanted {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, bytes));
        Poll::Ready(self.written(written, bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = slices.iter().map(|slice| slice.len()).sum();
        if self.is_unwanted {
            return Poll::Ready(Ok(all));
        }
        let mut joined = [0; JOINED];
        let written = if all <= JOINED {
            let mut at = 0;
            for slice in slices {
                joined[at..at + slice.len()].copy_from_slice(slice);
                at += slice.len();
            }
            ready!(Pin::new(&mut self.socket).poll_write(cx, &joined[..all]))
        } else {
            ready!(Pin::new(&mut self.socket).poll_write_vectored(cx, slices))
        };
        Poll::Ready(self.written(written, all))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.close_cleanly();
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
