//! `HttpProxy`, the protocol of older peers' proxies: requests to connect, and single HTTP requests.

use std::{future::ready, io, sync::Mutex};

use hyper::{
    Method, Request, Response, StatusCode,
    header::{Entry, HOST},
};
use tokio::io::AsyncReadExt;
use tracing::debug;

use super::{
    Proxy,
    dial::DialError,
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
    tunnel::{
        bridge::Bridge,
        carry::carry,
        http::{
            self, body::Body, exchange::Exchange, http_io::HttpIo, io::LocalIo, older::Rest, page::page, pool::Pool,
        },
        pipe::Pipe,
        running::TunnelTasks,
        socket::Socket,
    },
    wire::{
        codes::reset,
        header,
        http_proxy::{self, MAX_LINE, ProxyRequest},
    },
};

/// Serves a client of `HttpProxy`. If the destination of a request to connect cannot be reached, the stream is reset: the protocol has no
/// answer for it.
pub(super) async fn serve(proxy: &Proxy, pending: PendingStream, work: &TunnelTasks) {
    let peer = pending.peer();
    let mut stream = pending.accept();
    let connecting = async {
        let line = within(HANDSHAKE, read_line(&mut stream)).await?;
        Ok::<_, io::Error>(match http_proxy::decode(&line)? {
            ProxyRequest::Connect(destination) => {
                let dialled = proxy.dial(peer, &destination).await;
                Asked::Bytes(dialled.map_err(|error| io::Error::other(error.to_string()))?)
            }
            ProxyRequest::Http(destination) => Asked::Request(destination),
        })
    };
    let Some(asked) = work.until_cut(connecting).await else {
        return stream.abandon(reset::HANDLER_FAILED);
    };
    let error = match asked {
        Ok(Asked::Request(destination)) => {
            return http::older::serve(stream, work, |request| answer(proxy, peer, destination, request, work)).await;
        }
        Ok(Asked::Bytes(socket)) => {
            match carry(&mut Pipe::default(), &mut stream, &socket, work, reset::HANDLER_FAILED).await {
                Ok(()) => return socket.end(),
                Err(error) => error.to_string(),
            }
        }
        Err(error) => {
            stream.abandon(reset::HANDLER_FAILED);
            error.to_string()
        }
    };
    debug!(target: log_target::TUNNEL, %peer, error, "a connection of the proxy failed");
}

/// Request of a client.
enum Asked {
    /// The bytes of a connection, already established.
    Bytes(Socket),
    /// One HTTP request to this destination.
    Request(Destination),
}

async fn answer(
    proxy: &Proxy,
    peer: PublicKey,
    destination: Destination,
    mut request: Request<Rest>,
    work: &TunnelTasks,
) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return page(StatusCode::METHOD_NOT_ALLOWED, "this form is for single requests");
    }
    if let (Entry::Vacant(host), Ok(name)) = (request.headers_mut().entry(HOST), destination.to_string().parse()) {
        host.insert(name);
    }
    let (request, exchange) = match Exchange::begin(request) {
        Ok(begun) => begun,
        Err(text) => return page(StatusCode::BAD_REQUEST, text),
    };
    let socket = match proxy.dial(peer, &destination).await {
        Ok(socket) => socket,
        Err(DialError::NotAllowed) => return page(StatusCode::FORBIDDEN, "the proxy does not allow this destination"),
        Err(_) => return page(StatusCode::BAD_GATEWAY, "the destination cannot be reached"),
    };
    let socket = Mutex::new(Some(socket));
    let connect = || {
        let socket = socket.lock().expect("no panic while held").take();
        let io = socket.map(|socket| HttpIo::Local(LocalIo::service(socket)));
        Box::pin(ready(io.ok_or_else(|| io::ErrorKind::NotConnected.into()))) as _
    };
    match Pool::for_one(work).send(request, &exchange, &connect).await {
        Ok(response) => exchange.finish(response, work),
        Err(_) => page(StatusCode::BAD_GATEWAY, "the destination sent no valid answer"),
    }
}

/// Reads one line, and no byte beyond it.
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

/// Opens a stream to a destination through the proxy of an older peer, and waits for its ack. A destination that cannot be reached shows
/// only later.
pub(super) async fn open(bridge: &Bridge, destination: &Destination) -> Result<Stream> {
    let line = http_proxy::connect(destination);
    bridge.open_with_extra(&header::encode(&Protocol::HttpProxy, Some(&line))?).await
}
