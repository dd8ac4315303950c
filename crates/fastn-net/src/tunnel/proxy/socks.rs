//! SOCKS 5 on the side that connects to destinations.

use std::io;

use tracing::debug;

use super::{
    Proxy,
    dial::DialError,
    exchange::{HANDSHAKE, receive, within},
};
use crate::{
    error::Error,
    identity::PublicKey,
    log_target,
    routing::PendingStream,
    stream::Stream,
    targets::{Destination, Host},
    tunnel::{carry::carry, pipe::Pipe, running::TunnelTasks, socket::Socket},
    wire::{
        codes::reset,
        socks::{self, Address, Reply, Request},
    },
};

/// Serves a SOCKS client on a stream.
pub(super) async fn serve(proxy: &Proxy, pending: PendingStream, work: &TunnelTasks) {
    let peer = pending.peer();
    let mut stream = pending.accept();
    let Some(negotiated) = work.until_cut(negotiate(proxy, peer, &mut stream)).await else {
        return stream.abandon(reset::HANDLER_FAILED);
    };
    let error = match negotiated {
        Ok(Some(socket)) => {
            match carry(&mut Pipe::default(), &mut stream, &socket, work, reset::HANDLER_FAILED).await {
                Ok(()) => return socket.end(),
                Err(error) => error.to_string(),
            }
        }
        Ok(None) => return stream.finish(),
        Err(error) => {
            stream.abandon(reset::HANDLER_FAILED);
            error.to_string()
        }
    };
    debug!(target: log_target::TUNNEL, %peer, error, "a connection of the proxy failed");
}

/// Reads greeting and request, connects, and replies. `None` after a refusal.
async fn negotiate(proxy: &Proxy, peer: PublicKey, stream: &mut Stream) -> io::Result<Option<Socket>> {
    let Some(request) = within(HANDSHAKE, read_request(stream)).await? else { return Ok(None) };
    let connected = match request {
        Request::Connect(address, port) => connect(proxy, peer, address, port).await,
        Request::Unsupported(reply) => Err(reply),
    };
    let reply = connected.as_ref().map_or_else(|reply| *reply, |_| Reply::Succeeded);
    stream.write_all(&reply.encode()).await?;
    Ok(connected.ok())
}

/// `None` if the client requires authentication.
async fn read_request(stream: &mut Stream) -> io::Result<Option<Request>> {
    let (is_open, _) = receive(stream, socks::greeting).await?;
    stream.write_all(if is_open { &socks::ACCEPTED } else { &socks::NOT_ACCEPTED }).await?;
    Ok(if is_open { Some(receive(stream, socks::request).await?.0) } else { None })
}

async fn connect(proxy: &Proxy, peer: PublicKey, address: Address, port: u16) -> Result<Socket, Reply> {
    let host = host_of(&address).map_err(|_| Reply::NotAllowed)?;
    proxy.dial(peer, &Destination { host, port }).await.map_err(|error| reply_of(&error))
}

/// The host of a request.
///
/// # Errors
///
/// `ERR_INVALID_ARGUMENT`.
pub(super) fn host_of(address: &Address) -> Result<Host, Error> {
    match address {
        Address::Ip(ip) => Ok(Host::Ip(*ip)),
        Address::Name(name) => String::from_utf8_lossy(name).parse(),
    }
}

fn reply_of(error: &DialError) -> Reply {
    let error = match error {
        DialError::NotAllowed => return Reply::NotAllowed,
        DialError::NotFound(_) => return Reply::HostUnreachable,
        DialError::Unreachable(error) => error,
    };
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Reply::ConnectionRefused,
        io::ErrorKind::NetworkUnreachable => Reply::NetworkUnreachable,
        io::ErrorKind::HostUnreachable | io::ErrorKind::TimedOut => Reply::HostUnreachable,
        _ => Reply::GeneralFailure,
    }
}
