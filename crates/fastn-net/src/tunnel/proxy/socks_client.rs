//! SOCKS 5 on the clients' side.
//!
//! This side answers the greeting itself, and sends it to the peer together with the request: one round trip for both.

use std::{io, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::{debug, warn};

use super::{
    exchange::{HANDSHAKE, receive, within},
    older,
    socks::host_of,
};
use crate::{
    error::{Code, CodeClass, Error},
    log_target,
    stream::Stream,
    targets::Destination,
    tunnel::{
        bridge::Bridge,
        carry::carry,
        pipe::{Pipe, PipeError},
        running::closed,
        socket::Socket,
    },
    wire::{
        codes::reset,
        socks::{self, Address, Reply, Request},
    },
};

/// How long a peer may take to look a name up and to connect. Longer than the peer's own default limit of 9 s.
const REPLY: Duration = Duration::from_secs(30);

/// Limits in time and bytes within which a refused client may go on sending before it reads the reply.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: u64 = 64 * 1024;

pub(super) async fn serve(bridge: &Bridge, socket: Socket) {
    let peer = bridge.peer.id;
    let Some(request) = bridge.work.until_cut(within(HANDSHAKE, read_request(&socket))).await else { return };
    let request = match request {
        Ok(Ok(request)) => request,
        Ok(Err(refusal)) => return refuse(socket, &refusal).await,
        Err(error) => return debug!(target: log_target::TUNNEL, %peer, %error, "a client sent no request of SOCKS 5"),
    };
    let ended = match connect(bridge, &socket, request).await {
        Ok((mut stream, true)) => {
            carry(&mut Pipe::default(), &mut stream, &socket, &bridge.work, reset::CANCELLED).await
        }
        // The peer's reply is a refusal, which the client has received.
        Ok((stream, false)) => {
            drop(stream);
            return refuse(socket, &[]).await;
        }
        Err(PipeError::Stream(error)) => {
            warn!(target: log_target::TUNNEL, %peer, code = error.code().as_str(), error = error.message(), "a client got no connection");
            return refuse(socket, &reply_of(&error).encode()).await;
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => socket.end(),
        Err(error) => debug!(target: log_target::TUNNEL, %peer, %error, "a client's connection was reset"),
    }
}

/// The request of a client, or the reply that refuses it.
async fn read_request(mut socket: &Socket) -> io::Result<Result<(Address, u16), Vec<u8>>> {
    if !receive(&mut socket, socks::greeting).await?.0 {
        return Ok(Err(socks::NOT_ACCEPTED.to_vec()));
    }
    socket.write_all(&socks::ACCEPTED).await?;
    Ok(match receive(&mut socket, socks::request).await? {
        (Request::Connect(address, port), _) => Ok((address, port)),
        (Request::Unsupported(reply), _) => Err(reply.encode().to_vec()),
    })
}

/// Forwards the request to the peer, and the peer's reply to the client. Returns whether the destination is connected.
async fn connect(
    bridge: &Bridge,
    mut socket: &Socket,
    (address, port): (Address, u16),
) -> Result<(Stream, bool), PipeError> {
    let asked = tokio::select! {
        biased;
        asked = ask(bridge, &address, port) => asked,
        error = socket.failed() => return Err(PipeError::Socket(error)),
        () = bridge.work.cut() => return Err(PipeError::Stream(closed())),
    };
    let (stream, code, reply) = asked.map_err(|error| PipeError::Stream(error_of(error)))?;
    socket.write_all(&reply).await.map_err(PipeError::Socket)?;
    Ok((stream, code == Reply::Succeeded as u8))
}

/// Sends a request to the peer. Returns the code and the bytes of its reply. Dropping the future resets the stream.
///
/// # Errors
///
/// An [`Error`] within, if the stream failed.
pub(super) async fn ask(bridge: &Bridge, address: &Address, port: u16) -> io::Result<(Stream, u8, Vec<u8>)> {
    if bridge.is_older().await? {
        let reply = Reply::Succeeded;
        let stream = older::open(bridge, &Destination { host: host_of(address)?, port }).await?;
        return Ok((stream, reply as u8, reply.encode().to_vec()));
    }
    let message = [&socks::GREETING[..], &socks::connect(address, port)].concat();
    let mut stream = match bridge.try_open()? {
        Some(stream) => stream,
        None => bridge.open_stream().await?,
    };
    loop {
        match within(REPLY, exchange(&mut stream, &message)).await {
            Ok((code, reply)) => return Ok((stream, code, reply)),
            // The connection had just been closed as idle, or its peer was restarted.
            Err(_) if stream.take_retry() => stream = bridge.open_stream().await?,
            Err(error) => return Err(error),
        }
    }
}

async fn exchange(stream: &mut Stream, message: &[u8]) -> io::Result<(u8, Vec<u8>)> {
    stream.write_all(message).await?;
    receive(stream, socks::method).await?;
    receive(stream, socks::reply).await
}

fn error_of(error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::TimedOut => Code::Target,
        io::ErrorKind::UnexpectedEof => Code::UnexpectedEnd,
        _ => Code::Refused,
    };
    let text = format!("the peer's proxy did not answer as SOCKS 5: {error}");
    error.downcast::<Error>().unwrap_or_else(|error| Error::new(code, text).with_source(error))
}

/// The reply for a peer that cannot be used.
fn reply_of(error: &Error) -> Reply {
    match error.code().class() {
        CodeClass::Unreachable | CodeClass::Timeout => Reply::NetworkUnreachable,
        CodeClass::Denied => Reply::NotAllowed,
        CodeClass::Target => Reply::HostUnreachable,
        _ => Reply::GeneralFailure,
    }
}

/// Sends the last bytes to a client. Closing a socket whose bytes are unread would reset it, and lose them.
async fn refuse(socket: Socket, answer: &[u8]) {
    let mut writer = &socket;
    if writer.write_all(answer).await.is_err() || writer.shutdown().await.is_err() {
        return;
    }
    let (mut rest, mut sink) = ((&socket).take(FAREWELL_BYTES), tokio::io::sink());
    let _ = tokio::time::timeout(FAREWELL, tokio::io::copy(&mut rest, &mut sink)).await;
    socket.end();
}
