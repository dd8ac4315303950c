//! Exposes an HTTP service of this machine to peers.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{Method, Request, Response, StatusCode, body::Body as HttpBody, header::HeaderValue, server::conn::http1};
use hyper_util::rt::TokioTimer;
use tracing::{debug, warn};

use super::{
    answer::Answer,
    backend::Backend,
    body::{Body, BoxError},
    exchange::Exchange,
    headers::set_origin,
    http_io::{HttpIo, MAX_BUFFER},
    io::PeerIo,
    line_ends::{Checked, Messages},
    older,
    options::{ExposeHttpOptions, HostHeader, HttpTarget},
    page::page,
    send_error::SendError,
    tls::Tls,
};
use crate::{
    endpoint::Endpoint,
    error::{Code, Error, Result},
    identity::PublicKey,
    log_target,
    protocol::Protocol,
    routing::PendingStream,
    tunnel::{Tunnel, expose::accept, options::http_protocols, running::TunnelTasks},
    wire::codes::reset,
};

/// How long a peer's stream may be idle, and how long a head may take. Longer than a bridge keeps an idle stream.
const IDLE: Duration = Duration::from_mins(1);

impl Endpoint {
    /// Exposes an HTTP service to peers, which reach it with [`Endpoint::bridge_http`], and with HTTP/1.1 on a stream of
    /// `{"Generic":{"fastn":"http","service":…}}`.
    ///
    /// - Bodies are streamed both ways, and upgrades such as WebSocket are forwarded. A service that fails during an answer resets the
    ///   stream, and a peer that disconnects cancels its request.
    /// - Each request has the header `fastn-peer`, the ID52 of the peer, and `x-forwarded-host` and `x-forwarded-proto`. These and
    ///   similar headers from clients are removed.
    /// - Connections to the service are reused. None is made before a peer sends a request.
    /// - A service that cannot be reached is answered with status 502, a slow one with 504.
    /// - Without a name, older peers reach it too, over their protocol `Http`: without trailers, interim answers and upgrades.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for the service's name, the host and the certificates. `ERR_PROTOCOL_IN_USE` if the endpoint already
    /// exposes a service of this name. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
    pub fn expose_http(&self, target: HttpTarget, options: ExposeHttpOptions) -> Result<Tunnel> {
        let protocols = http_protocols(options.service.as_deref())?;
        let work = TunnelTasks::new(self);
        let service = Arc::new(Exposed::new(target, &options, work.clone())?);
        let listener = self.listen_pending(None, &protocols, false)?;
        work.accept(accept(listener, options.allow, work.clone(), move |pending| service.clone().serve(pending)));
        Ok(Tunnel::new(work, None))
    }
}

/// An exposed service.
struct Exposed {
    backend: Backend,
    name: String,
    response_timeout: Duration,
    work: TunnelTasks,
}

impl Exposed {
    fn new(target: HttpTarget, options: &ExposeHttpOptions, work: TunnelTasks) -> Result<Self> {
        let tls = match (target.is_tls, options.certificates.as_deref()) {
            (true, roots) => Some(Tls::new(target.authority.host(), roots)?),
            (false, None) => None,
            (false, Some(_)) => {
                let text = "certificates are for a target with https";
                return Err(Error::new(Code::InvalidArgument, text));
            }
        };
        let host = match &options.host_header {
            None if target.is_tls => Some(target.authority.as_str()),
            None | Some(HostHeader::Client) => None,
            Some(HostHeader::Target) => Some(target.authority.as_str()),
            Some(HostHeader::Name(name)) => Some(name.as_str()),
        };
        let host = host.map(HeaderValue::from_str).transpose();
        let host =
            host.map_err(|_| Error::new(Code::InvalidArgument, "the Host header has characters that it cannot have"))?;
        let name = target.to_string();
        let backend = Backend::new(target, tls, host, options.connect_timeout, &work);
        Ok(Self { backend, name, response_timeout: options.response_timeout, work })
    }

    /// Answers the requests of a stream, one after the other.
    async fn serve(self: Arc<Self>, pending: PendingStream) {
        let peer = pending.peer();
        let id = HeaderValue::from_str(&peer.to_string()).expect("an ID52 is ASCII");
        if *pending.protocol() == Protocol::Http {
            return older::serve(pending.accept(), &self.work, |request| self.answer(request, peer, &id)).await;
        }
        let stream = PeerIo::new(pending.accept());
        let handle = stream.handle();
        let exposed = self.clone();
        let answer = Answer::new(move |request| {
            let (exposed, id) = (exposed.clone(), id.clone());
            async move { exposed.answer(request, peer, &id).await }
        });
        let mut connection = http1::Builder::new()
            // The FIN of a peer means that no request follows, not that it has disconnected.
            .half_close(true)
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_buf_size(MAX_BUFFER)
            .serve_connection(Checked::new(HttpIo::Peer(stream), Messages::Requests), answer)
            .with_upgrades();
        let mut is_stopping = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        debug!(target: log_target::TUNNEL, %peer, tunnel_target = %self.name, %error, "a stream of requests failed");
                        handle.abandon(reset::HANDLER_FAILED);
                    }
                    return;
                }
                // The request in progress is dropped with the connection.
                () = handle.left() => return,
                () = self.work.cut() => return handle.abandon(reset::HANDLER_FAILED),
                () = self.work.stopping(), if !is_stopping => {
                    is_stopping = true;
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                }
            }
        }
    }

    async fn answer<B>(&self, request: Request<B>, peer: PublicKey, id: &HeaderValue) -> Response<Body>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if request.method() == Method::CONNECT {
            return page(StatusCode::METHOD_NOT_ALLOWED, "this service is no proxy");
        }
        let (mut request, exchange) = match Exchange::begin(request) {
            Ok(begun) => begun,
            Err(text) => return page(StatusCode::BAD_REQUEST, text),
        };
        // After `begin`, which removes the fields that the peer's `Connection` names.
        set_origin(request.headers_mut(), id);
        let answered = tokio::select! {
            biased;
            answered = self.backend.send(request, &exchange) => answered,
            () = exchange.progress.stalled(self.response_timeout) => {
                return page(StatusCode::GATEWAY_TIMEOUT, "the service has not answered in time");
            }
        };
        match answered {
            Ok(response) => exchange.finish(response, &self.work),
            Err(error) => self.failure(&error, peer),
        }
    }

    fn failure(&self, error: &SendError, peer: PublicKey) -> Response<Body> {
        let cause = error.cause();
        let reason = cause.map_or_else(|| error.to_string(), ToString::to_string);
        warn!(target: log_target::TUNNEL, %peer, tunnel_target = %self.name, error = reason, "the HTTP service failed");
        // Without details, which are private to this side.
        if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut) {
            return page(StatusCode::GATEWAY_TIMEOUT, "the service did not accept a connection in time");
        }
        let text = match error {
            SendError::Connect(_) => "the service cannot be reached",
            SendError::Exchange(_) => "the service failed before it answered",
        };
        page(StatusCode::BAD_GATEWAY, text)
    }
}
