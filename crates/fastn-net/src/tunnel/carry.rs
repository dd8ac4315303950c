//! One connection of a tunnel: a stream, a socket, and the reasons to end both.

use std::io;

use super::{
    pipe::{Pipe, PipeError},
    running::TunnelTasks,
    socket::Socket,
};
use crate::stream::Stream;

/// Copies both ways until both directions have ended, the socket is reset, or the tunnel is closed. If this side failed, resets the
/// stream with `code`. Drop the socket after an error.
pub(super) async fn carry(
    pipe: &mut Pipe,
    stream: &mut Stream,
    socket: &Socket,
    work: &TunnelTasks,
    code: u64,
) -> Result<(), PipeError> {
    let failure = tokio::select! {
        biased;
        ended = pipe.run(stream, socket, code) => return ended,
        error = socket.failed() => error,
        () = work.cut() => io::Error::new(io::ErrorKind::ConnectionAborted, "the tunnel was closed"),
    };
    stream.abandon(code);
    Err(PipeError::Socket(failure))
}
