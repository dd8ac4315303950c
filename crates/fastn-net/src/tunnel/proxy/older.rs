//! `HttpProxy`, the protocol of older peers' proxies, as far as it carries bytes: its requests to connect.

use std::io;

use tokio::io::AsyncReadExt;
use tracing::debug;

use super::{
    Proxy,
    exchange::{HANDSHAKE, within},
};
use crate::{
    error::Result,
    identity::PublicKey,
    log_target,
    protocol::Protocol,
    routing::PendingStream,
    stream::Stream,
    targets::Destination,
    tunnel::{bridge::Bridge, carry::carry, handle::Work, pipe::Pipe, socket::Socket},
    wire::{
        codes::reset,
        header,
        http_proxy::{self, MAX_LINE, ProxyRequest},
    },
};

/// Serves a client of `HttpProxy`. The protocol has no answer for a destination that is not reached: the stream is reset.
pub(super) async fn serve(proxy: &Proxy, pending: PendingStream, work: &Work) {
    let peer = pending.peer();
    let mut stream = pending.accept();
    let connected = tokio::select! {
        biased;
        connected = connect(proxy, peer, &mut stream) => connected,
        () = work.cut() => return stream.abandon(reset::HANDLER_FAILED),
    };
    let error = match connected {
        Ok(socket) => match carry(&mut Pipe::default(), &mut stream, &socket, work, reset::HANDLER_FAILED).await {
            Ok(()) => return socket.end(),
            Err(error) => error.to_string(),
        },
        Err(error) => {
            stream.abandon(reset::HANDLER_FAILED);
            error.to_string()
        }
    };
    debug!(target: log_target::TUNNEL, %peer, error, "a connection of the proxy failed");
}

async fn connect(proxy: &Proxy, peer: PublicKey, stream: &mut Stream) -> io::Result<Socket> {
    let line = within(HANDSHAKE, read_line(stream)).await?;
    match http_proxy::decode(&line)? {
        ProxyRequest::Connect(destination) => {
            proxy.dial(peer, &destination).await.map_err(|error| io::Error::other(error.to_string()))
        }
        ProxyRequest::Http(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "a request in the form of Http")),
    }
}

/// One line, and no byte behind it.
async fn read_line(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(line),
            _ if line.len() == MAX_LINE => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
            }
            byte => line.push(byte),
        }
    }
}

/// Opens a stream to a destination through the proxy of an older peer, and waits for its ack. Whether the destination is reached shows
/// later.
pub(super) async fn open(bridge: &Bridge, destination: &Destination) -> Result<Stream> {
    let line = http_proxy::connect(destination);
    bridge.open_with_extra(&header::encode(&Protocol::HttpProxy, Some(&line))?).await
}
