//! An HTTP proxy on the clients' side: CONNECT, and requests with an absolute URI.
//!
//! HTTP is parsed here, by hyper. The peer gets SOCKS 5 requests, as from any other client.

use std::{fmt, io, sync::Arc, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{HOST, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
    http::uri::Scheme,
    upgrade::on,
};
use tracing::{debug, warn};

use super::socks_client;
use crate::{
    error::{Code, Error},
    log_target,
    stream::Stream,
    targets::{Destination, Host},
    tunnel::{
        bridge::Bridge,
        http::{
            answer::Answer,
            body::{Body, empty},
            client::serve_client,
            exchange::Exchange,
            http_io::HttpIo,
            io::PeerIo,
            page::{page, status_of},
            pool::default_host,
            pools::Pools,
            send_error::SendError,
            upgraded::Switched,
        },
        pipe::Pipe,
        socket::Socket,
    },
    wire::{
        codes::reset,
        socks::{Address, Reply},
    },
};

/// How long an idle connection to a destination is kept. Many servers close theirs after 5 s; a request that races with the close is
/// lost.
const IDLE: Duration = Duration::from_secs(4);

/// An HTTP proxy.
pub(super) struct HttpProxy {
    bridge: Arc<Bridge>,
    pools: Pools<Destination>,
}

impl HttpProxy {
    pub(super) fn new(bridge: Arc<Bridge>) -> Self {
        Self { pools: Pools::new(&bridge.work, IDLE), bridge }
    }

    /// Answers the requests of a client, one after the other.
    pub(super) async fn serve(self: Arc<Self>, socket: Socket) {
        let proxy = self.clone();
        let answer = Answer::new(move |request| {
            let proxy = proxy.clone();
            async move { proxy.answer(request).await }
        });
        serve_client(socket, &self.bridge.work, answer).await;
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return self.connect(request).await;
        }
        let is_http = request.uri().scheme() == Some(&Scheme::HTTP);
        let Some(destination) = destination_of(request.uri()).filter(|_| is_http) else {
            let text =
                "this is a proxy: it takes CONNECT host:port, and requests for http://host/ with their whole URL";
            return page(StatusCode::BAD_REQUEST, text);
        };
        request.headers_mut().remove(PROXY_AUTHORIZATION);
        replace_host(&mut request);
        let (mut request, exchange) = match Exchange::begin(request) {
            Ok(begun) => begun,
            Err(text) => return page(StatusCode::BAD_REQUEST, text),
        };
        let host = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        default_host(&mut request, || host);
        let pool = self.pools.get(destination.clone());
        match pool.send(request, &exchange, &|| Box::pin(dial(&self.bridge, &destination))).await {
            Ok(mut response) => {
                response.headers_mut().remove(PROXY_AUTHENTICATE);
                exchange.finish(response, &self.bridge.work)
            }
            Err(error) => self.failure(&Failure::of_request(&error)),
        }
    }

    /// Opens a tunnel to the destination.
    async fn connect(&self, mut request: Request<Incoming>) -> Response<Body> {
        // CONNECT takes no whole URL.
        let authority = request.uri().authority().filter(|_| request.uri().scheme().is_none());
        let destination = authority.and_then(|authority| authority.as_str().parse().ok());
        let Some(destination) = destination else {
            return page(StatusCode::BAD_REQUEST, "CONNECT is for host:port");
        };
        let mut stream = match open(&self.bridge, &destination).await {
            Ok(stream) => stream,
            Err(failure) => return self.failure(&failure),
        };
        let (client, work) = (on(&mut request), self.bridge.work.clone());
        self.bridge.work.spawn(async move {
            let mut pipe = Pipe::default();
            let piped = async {
                let client = client.await.map_err(io::Error::other).and_then(Switched::new);
                let Ok(client) = client else { return stream.abandon(reset::CANCELLED) };
                // Dropping the client's side resets it, unless both directions have ended.
                if let Err(error) = pipe.run(&mut stream, client, reset::CANCELLED).await {
                    debug!(target: log_target::TUNNEL, %error, "a tunnel of the proxy failed");
                }
            };
            work.until_cut(piped).await;
        });
        Response::new(empty())
    }

    fn failure(&self, failure: &Failure) -> Response<Body> {
        let (peer, status) = (self.bridge.peer.id, failure.status.as_u16());
        warn!(target: log_target::TUNNEL, %peer, status, error = failure.text, "a request failed");
        page(failure.status, &failure.text)
    }
}

/// Why a destination was not reached.
#[derive(Debug)]
struct Failure {
    status: StatusCode,
    text: String,
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        let own = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        let status = match own.map(Error::code) {
            Some(Code::Target) => StatusCode::GATEWAY_TIMEOUT,
            Some(code) => status_of(code),
            None => StatusCode::BAD_GATEWAY,
        };
        Self { status, text: own.map_or_else(|| error.to_string(), |error| error.message().to_owned()) }
    }

    fn of_reply(code: u8) -> Self {
        let (status, text) = match code {
            code if code == Reply::NotAllowed as u8 => {
                (StatusCode::FORBIDDEN, "the peer's proxy does not allow this destination")
            }
            code if code == Reply::HostUnreachable as u8 => {
                (StatusCode::BAD_GATEWAY, "the host was not found, or does not answer")
            }
            code if code == Reply::ConnectionRefused as u8 => {
                (StatusCode::BAD_GATEWAY, "the host refuses connections at this port")
            }
            _ => (StatusCode::BAD_GATEWAY, "the peer's proxy could not connect"),
        };
        Self { status, text: text.to_owned() }
    }

    fn of_request(error: &SendError) -> Self {
        let Some(cause) = error.cause() else {
            return Self { status: StatusCode::BAD_GATEWAY, text: "the destination sent no valid answer".to_owned() };
        };
        match cause.get_ref().and_then(|cause| cause.downcast_ref::<Self>()) {
            Some(Self { status, text }) => Self { status: *status, text: text.clone() },
            None => Self::of(cause),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// Opens a stream to a destination, through the peer's proxy.
async fn open(bridge: &Bridge, destination: &Destination) -> Result<Stream, Failure> {
    let address = match &destination.host {
        Host::Ip(ip) => Address::Ip(*ip),
        Host::Name(name) => Address::Name(name.clone().into_bytes()),
    };
    match socks_client::ask(bridge, &address, destination.port).await {
        Ok((stream, code, _)) if code == Reply::Succeeded as u8 => Ok(stream),
        Ok((_, code, _)) => Err(Failure::of_reply(code)),
        Err(error) => Err(Failure::of(&error)),
    }
}

async fn dial(bridge: &Bridge, destination: &Destination) -> io::Result<HttpIo> {
    let opened = open(bridge, destination).await.map_err(io::Error::other)?;
    Ok(HttpIo::Peer(PeerIo::new(opened)))
}

/// The destination of an absolute URI. `None` with a user name, which other parsers may read as part of the host.
fn destination_of(uri: &Uri) -> Option<Destination> {
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    // `Authority` ignores a port that is not between 0 and 65,535, which would then become 80.
    let has_port = authority.as_str().len() > authority.host().len();
    let text = if has_port { authority.to_string() } else { format!("{}:80", authority.host()) };
    text.parse().ok()
}

/// Replaces Host by the URI's, as RFC 9112 requires of a proxy. A missing or repeated Host stays, and is rejected.
fn replace_host(request: &mut Request<Incoming>) {
    let authority = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = authority
        && request.headers().get_all(HOST).iter().count() == 1
    {
        request.headers_mut().insert(HOST, host);
    }
}
