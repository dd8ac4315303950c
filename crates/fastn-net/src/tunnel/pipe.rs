//! Bytes both ways between a stream and a socket.

use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

use super::write_batching::count_written;
use crate::{
    connection::Connection,
    error::{Code, Error},
    stream::Stream,
    wire::codes::reset,
};

/// Size in bytes of a buffer. Each direction has at most one, and none while no bytes flow.
const BUFFER: usize = 64 * 1024;

/// How long a socket may accept no buffered byte after the peer is lost, while nothing reads its stream.
pub(super) const LAST_BYTES: Duration = Duration::from_secs(1);

const UNREAD: &str = "it accepts no bytes, and its unread data held up other streams";

/// Buffers that one direction moves before other tasks get a turn.
const ROUNDS: usize = 16;

/// Which side ended a [`pipe`] before both directions had ended.
#[derive(Debug)]
pub enum PipeError {
    /// The stream: the peer reset or refused it, or its connection was lost.
    Stream(Error),
    /// The socket.
    Socket(io::Error),
}

impl fmt::Display for PipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => write!(f, "the stream failed: {error}"),
            Self::Socket(error) => write!(f, "the socket failed: {error}"),
        }
    }
}

impl std::error::Error for PipeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Stream(error) => Some(error),
            Self::Socket(error) => Some(error),
        }
    }
}

/// Copies bytes both ways between a stream and a socket until both directions have ended. The EOF of one side becomes the FIN of the
/// other, for each direction separately. A slow reader blocks the writer: at most 64 KiB of each direction are in memory here.
///
/// To pipe two separate halves, such as standard input and output, join them with [`tokio::io::join`].
///
/// Not cancel-safe. Dropping the future loses buffered bytes: drop the stream then, which resets it.
///
/// # Errors
///
/// [`PipeError::Stream`]: end the socket so that its other end sees a failure; for TCP, set `SO_LINGER` to zero and drop it.
/// [`PipeError::Socket`]: the stream has been reset.
pub async fn pipe(stream: &mut Stream, socket: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), PipeError> {
    Pipe::default().run(stream, socket, reset::CANCELLED).await
}

/// Both directions between a stream and a socket. Holds bytes that were read and not yet written.
#[derive(Default)]
pub(super) struct Pipe {
    outbound: Direction,
    inbound: Direction,
    /// Resolves [`LAST_BYTES`] after the connection is lost. Created when the outbound direction has ended and the inbound one is blocked.
    lost: Option<Pin<Box<dyn Future<Output = Error> + Send>>>,
}

async fn lost(connection: Connection) -> Error {
    connection.closed().await;
    tokio::time::sleep(LAST_BYTES).await;
    connection.lost_error()
}

impl Pipe {
    /// See [`pipe`]. When the socket fails, resets the stream with `code`.
    pub(super) async fn run(
        &mut self,
        stream: &mut Stream,
        mut socket: impl AsyncRead + AsyncWrite + Unpin,
        code: u64,
    ) -> Result<(), PipeError> {
        let given_up = Arc::new(Notify::new());
        let alarm = given_up.clone();
        // A pipe reads the stream until it is empty, unless the socket accepts no bytes.
        stream.give_up_unread(|| true, move || alarm.notify_one());
        let ended = tokio::select! {
            biased;
            ended = poll_fn(|cx| self.poll(cx, stream, &mut socket)) => ended,
            () = given_up.notified() => {
                stream.abandon(reset::UNREAD);
                return Err(PipeError::Socket(io::Error::new(io::ErrorKind::TimedOut, UNREAD)));
            }
        };
        if let Err(PipeError::Socket(_)) = &ended {
            stream.abandon(code);
        }
        ended
    }

    /// Continues on another stream to the same peer. The first must have accepted and delivered no byte.
    pub(super) fn restart(&mut self) {
        self.outbound.has_ended = false;
        self.lost = None;
    }

    fn poll<S>(&mut self, cx: &mut Context<'_>, stream: &mut Stream, socket: &mut S) -> Poll<Result<(), PipeError>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // The socket's first bytes travel with the stream's header; reading the stream first would send the header alone.
        let mut socket = Local(socket);
        let outbound = self.outbound.poll(cx, &mut socket, stream)?;
        let inbound = self.inbound.poll(cx, stream, &mut socket)?;
        if self.inbound.is_blocked() {
            // The stream is not read until the socket accepts more, so a reset would go unnoticed.
            self.check_reset(cx, stream)?;
        }
        if outbound.is_ready() && inbound.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl Pipe {
    /// Fails if the peer is lost, or has reset the stream as far as the sending half knows.
    fn check_reset(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Result<(), PipeError> {
        if self.outbound.has_ended {
            // The sending half has ended and reports nothing. A client that still reads gets all buffered bytes.
            if std::mem::take(&mut self.inbound.moved) > 0 {
                self.lost = None;
            }
            let lost = self.lost.get_or_insert_with(|| Box::pin(lost(stream.connection().clone())));
            return match lost.as_mut().poll(cx) {
                Poll::Ready(error) => Err(PipeError::Stream(error)),
                Poll::Pending => Ok(()),
            };
        }
        match stream.poll_send_ended(cx) {
            Poll::Ready(error) if !is_unwanted(&error) => Err(PipeError::Stream(error)),
            _ => Ok(()),
        }
    }
}

/// One direction.
#[derive(Default)]
struct Direction {
    /// Bytes from `start` to `end` of it were read and not yet written.
    buffer: Option<Box<[u8]>>,
    start: usize,
    end: usize,
    /// Bytes were written since the last flush.
    is_dirty: bool,
    /// Bytes written since the last check.
    moved: usize,
    has_eof: bool,
    /// The destination got the FIN, or accepts no more bytes.
    has_ended: bool,
}

impl Direction {
    /// Whether bytes wait for the destination.
    fn is_blocked(&self) -> bool {
        self.start < self.end
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl Source,
        to: &mut impl Sink,
    ) -> Poll<Result<(), PipeError>> {
        let moved = self.poll_move(cx, from, to);
        if !self.is_blocked()
            && let Some(buffer) = self.buffer.take()
        {
            put_buffer(buffer);
        }
        moved
    }

    fn poll_move(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl Source,
        to: &mut impl Sink,
    ) -> Poll<Result<(), PipeError>> {
        if self.has_ended {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..ROUNDS {
            let buffer = self.buffer.get_or_insert_with(take_buffer);
            while self.start < self.end {
                match ready!(to.poll_send(cx, &buffer[self.start..self.end]))? {
                    Sent::Bytes(count) => {
                        self.start += count;
                        self.moved += count;
                    }
                    Sent::Unwanted => {
                        (self.start, self.end) = (0, 0);
                        self.has_ended = true;
                        return Poll::Ready(Ok(()));
                    }
                }
                self.is_dirty = true;
            }
            if self.has_eof {
                ready!(to.poll_fin(cx))?;
                self.has_ended = true;
                return Poll::Ready(Ok(()));
            }
            let Poll::Ready(received) = from.poll_receive(cx, buffer) else {
                if self.is_dirty {
                    ready!(to.poll_push(cx))?;
                    self.is_dirty = false;
                }
                return Poll::Pending;
            };
            let (count, has_eof) = received?;
            (self.start, self.end, self.has_eof) = (0, count, has_eof);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

thread_local! {
    /// The buffer for the thread's next direction that reads.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// A buffer of 64 KiB. Return it with [`put_buffer`].
pub(super) fn take_buffer() -> Box<[u8]> {
    SPARE.take().unwrap_or_else(|| vec![0; BUFFER].into_boxed_slice())
}

pub(super) fn put_buffer(buffer: Box<[u8]>) {
    SPARE.set(Some(buffer));
}

trait Source {
    /// Reads some bytes. Returns their number, and whether EOF follows.
    fn poll_receive(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<(usize, bool), PipeError>>;
}

trait Sink {
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<Sent, PipeError>>;

    /// Flushes bytes that the destination buffers.
    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>>;

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>>;
}

enum Sent {
    Bytes(usize),
    /// The peer accepts no more bytes, without an error.
    Unwanted,
}

/// Whether the peer accepts no more bytes, without an error. Older peers stop every stream that they have answered, and handlers may
/// ignore the rest of a request.
pub(super) fn is_unwanted(error: &Error) -> bool {
    error.code() == Code::StreamStopped && error.error_code() == Some(reset::ABANDONED)
}

impl Source for Stream {
    fn poll_receive(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<(usize, bool), PipeError>> {
        self.poll_read(cx, into).map_ok(|read| (read.count, read.end)).map_err(PipeError::Stream)
    }
}

impl Sink for Stream {
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<Sent, PipeError>> {
        match ready!(self.poll_write(cx, bytes)) {
            Ok(count) => {
                count_written(count);
                Poll::Ready(Ok(Sent::Bytes(count)))
            }
            Err(error) if is_unwanted(&error) => Poll::Ready(Ok(Sent::Unwanted)),
            Err(error) => Poll::Ready(Err(PipeError::Stream(error))),
        }
    }

    fn poll_push(&mut self, _: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_fin(&mut self, _: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}

/// The socket.
struct Local<'a, S>(&'a mut S);

impl<S: AsyncRead + Unpin> Source for Local<'_, S> {
    fn poll_receive(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<(usize, bool), PipeError>> {
        let mut into = ReadBuf::new(into);
        ready!(Pin::new(&mut *self.0).poll_read(cx, &mut into)).map_err(PipeError::Socket)?;
        let count = into.filled().len();
        Poll::Ready(Ok((count, count == 0)))
    }
}

impl<S: AsyncWrite + Unpin> Sink for Local<'_, S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<Sent, PipeError>> {
        match ready!(Pin::new(&mut *self.0).poll_write(cx, bytes)) {
            Ok(0) => Poll::Ready(Err(PipeError::Socket(io::ErrorKind::WriteZero.into()))),
            Ok(count) => Poll::Ready(Ok(Sent::Bytes(count))),
            Err(error) => Poll::Ready(Err(PipeError::Socket(error))),
        }
    }

    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        Pin::new(&mut *self.0).poll_flush(cx).map_err(PipeError::Socket)
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        Pin::new(&mut *self.0).poll_shutdown(cx).map_err(PipeError::Socket)
    }
}
