//! A local socket that a tunnel connects or accepts.

use std::{
    io::{self, Read},
    net::Shutdown,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// A connected socket. Dropping it is a failure to its other end, for TCP a reset, unless [`Socket::end`] is called.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls a method that both kinds have.
macro_rules! socket {
    ($socket:expr, $inner:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($inner) => $call,
            #[cfg(unix)]
            Socket::Unix($inner) => $call,
        }
    };
}

/// Quiet time after which a TCP socket to another machine is probed, so that a vanished one frees its tunnel.
const KEEPALIVE: Duration = Duration::from_mins(1);

impl Socket {
    /// Prepares a TCP socket.
    ///
    /// The reset on drop also covers a process that is killed: the system closes its sockets.
    pub(super) fn tcp(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let options = SockRef::from(&socket);
        options.set_linger(Some(Duration::ZERO))?;
        if !socket.peer_addr()?.ip().is_loopback() {
            options.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
        }
        Ok(Self::Tcp(socket))
    }

    /// Ends a socket whose directions have both ended. Written bytes are still delivered.
    pub(super) fn end(self) {
        self.close_cleanly();
    }

    /// From now on, dropping it closes it cleanly. Written bytes are still delivered.
    pub(super) fn close_cleanly(&self) {
        if let Self::Tcp(socket) = self {
            // Fails only if the other end has reset it.
            let _ = SockRef::from(socket).set_linger(None);
        }
    }

    /// Waits for a reset by the other end. A reader sees the reset later or never: it may be past EOF, or blocked by its destination.
    /// Cancel-safe.
    pub(super) async fn failed(&self) -> io::Error {
        let ready = socket!(self, socket => socket.ready(Interest::ERROR).await);
        match ready.and_then(|_| socket!(self, socket => socket.take_error())) {
            Ok(Some(error)) | Err(error) => error,
            // A reader or writer has taken the error.
            Ok(None) => std::future::pending().await,
        }
    }

    /// Reads the received bytes. A short read means that no more are there: with edge-triggered readiness, the next read then waits
    /// without a system call, as tokio's own does.
    fn read_now(&self, into: &mut [u8]) -> io::Result<usize> {
        if !cfg!(unix) {
            return socket!(self, socket => socket.try_read(into));
        }
        let mut short = None;
        let read = || {
            let count = socket!(self, socket => (&*SockRef::from(socket)).read(into))?;
            if count == 0 || count == into.len() {
                return Ok(count);
            }
            short = Some(count);
            Err(io::ErrorKind::WouldBlock.into())
        };
        let read = socket!(self, socket => socket.try_io(Interest::READABLE, read));
        short.map_or(read, Ok)
    }
}

impl AsyncRead for &Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let unfilled = into.initialize_unfilled();
        let count = loop {
            ready!(socket!(*self, socket => socket.poll_read_ready(cx)))?;
            match self.read_now(unfilled) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => break read?,
            }
        };
        into.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for &Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(socket!(*self, socket => socket.poll_write_ready(cx)))?;
            match socket!(*self, socket => socket.try_write(bytes)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(socket!(*self, socket => SockRef::from(socket).shutdown(Shutdown::Write)))
    }
}

/// Unlike `&Socket`, does not zero the buffer first, and has vectored writes.
impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        socket!(&mut *self, socket => Pin::new(socket).poll_read(cx, into))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        socket!(&mut *self, socket => Pin::new(socket).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        socket!(&mut *self, socket => Pin::new(socket).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        socket!(&mut *self, socket => Pin::new(socket).poll_shutdown(cx))
    }
}
