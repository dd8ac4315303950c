//! HTTP services of peers, over pooled streams.

use std::{collections::HashMap, io, time::Duration};

use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode, header::HeaderValue};

use super::{
    body::Body, exchange::Exchange, http_io::HttpIo, io::PeerIo, older, options::HttpDestination, page::status_of,
    pool::default_host, pools::Pools, send_error::SendError,
};
use crate::{
    config::PeerAddress,
    connection::Connection,
    endpoint::Endpoint,
    error::{Code, Error, Result},
    identity::PublicKey,
    protocol::Protocol,
    stream::{OpenOptions, Stream},
    tunnel::{options::http_protocol, running::TunnelTasks},
    wire::header,
};

/// How long an idle stream is kept: less than the peer keeps it.
const IDLE: Duration = Duration::from_secs(20);

/// HTTP services of peers.
pub(in crate::tunnel) struct Peers {
    pools: Pools<(PublicKey, Option<String>)>,
    endpoint: Endpoint,
    known: HashMap<PublicKey, PeerAddress>,
    open_timeout: Duration,
}

impl Peers {
    /// `known`: peers whose addresses are known.
    pub(in crate::tunnel) fn new(
        known: impl Iterator<Item = PeerAddress>,
        open_timeout: Duration,
        work: &TunnelTasks,
    ) -> Self {
        let known = known.map(|peer| (peer.id, peer)).collect();
        Self { pools: Pools::new(work, IDLE), endpoint: work.endpoint.clone(), known, open_timeout }
    }

    /// Sends a request to a service. Dials the peer if there is no connection. Cancel-safe: a dropped request is cancelled at the peer.
    pub(in crate::tunnel) async fn send(
        &self,
        to: &HttpDestination,
        mut request: Request<Body>,
        exchange: &Exchange,
    ) -> std::result::Result<Response<Body>, Failure> {
        default_host(&mut request, || HeaderValue::from_str(&to.peer.id.to_string()).ok());
        let pool = self.pools.get((to.peer.id, to.service.clone()));
        if !pool.has_idle() && !self.is_native(to.peer.id).await.map_err(|error| Failure::of(&error))? {
            // The protocol of older peers has no "100 Continue".
            exchange.progress.answered();
            return self.send_to_older(to, request).await;
        }
        pool.send(request, exchange, &|| Box::pin(self.connect(to))).await.map_err(|error| Failure::of_request(&error))
    }

    async fn send_to_older(
        &self,
        to: &HttpDestination,
        request: Request<Body>,
    ) -> std::result::Result<Response<Body>, Failure> {
        if to.service.is_some() {
            let text = "the peer is an older one, which knows no named services".to_owned();
            return Err(Failure { status: StatusCode::BAD_GATEWAY, text });
        }
        let stream = self.open_older(to.peer.id).await.map_err(|error| Failure::of(&error))?;
        let answered = older::send(stream, request).await.map_err(|error| Failure::of_io(&error))?;
        Ok(answered.map(BodyExt::boxed_unsync))
    }

    async fn connect(&self, to: &HttpDestination) -> io::Result<HttpIo> {
        let stream = self.open(to.peer.id, to.service.as_deref()).await?;
        Ok(HttpIo::Peer(PeerIo::new(stream)))
    }

    /// Whether a peer knows the protocol of named services. Connects to the peer, unless it is connected.
    async fn is_native(&self, id: PublicKey) -> Result<bool> {
        let peer = self.endpoint.peer(&self.address(id))?;
        let alpn = match peer.connection().filter(Connection::is_live) {
            Some(connection) => connection.alpn(),
            None => self.endpoint.connection_guard(&peer, self.open_timeout).await?.alpn(),
        };
        Ok(alpn.is_native())
    }

    /// Opens a stream of the protocol of older peers, and waits for its ack.
    async fn open_older(&self, id: PublicKey) -> Result<Stream> {
        let peer = self.endpoint.peer(&self.address(id))?;
        let header = header::encode(&Protocol::Http, None)?;
        self.endpoint.get_stream(&peer, &header, OpenOptions::new().with_timeout(self.open_timeout)).await
    }

    fn address(&self, id: PublicKey) -> PeerAddress {
        self.known.get(&id).cloned().unwrap_or_else(|| PeerAddress::new(id))
    }

    /// Opens a stream to a service. The header travels with the request.
    async fn open(&self, id: PublicKey, service: Option<&str>) -> Result<Stream> {
        if !self.is_native(id).await? {
            // A stream of a protocol that an older peer does not know ends the peer's accept loop.
            return Err(Error::new(Code::ProtocolUnsupported, "the peer is an older one now: try again"));
        }
        let peer = self.endpoint.peer(&self.address(id))?;
        let header = header::encode(&http_protocol(service)?, None)?;
        let options = OpenOptions::new().with_await_ack(false).with_timeout(self.open_timeout);
        match self.endpoint.try_open(&peer, &header, options)? {
            Some(stream) => Ok(stream),
            None => self.endpoint.get_stream(&peer, &header, options).await,
        }
    }
}

/// Why there is no answer.
pub(in crate::tunnel) struct Failure {
    pub(in crate::tunnel) status: StatusCode,
    pub(in crate::tunnel) text: String,
}

impl Failure {
    fn of(error: &Error) -> Self {
        let text = match error.code() {
            Code::ProtocolUnsupported if error.remote_code().is_some() => {
                "the peer exposes no HTTP service of this name"
            }
            _ => error.message(),
        };
        Self { status: status_of(error.code()), text: text.to_owned() }
    }

    fn of_request(error: &SendError) -> Self {
        let own = error.cause().and_then(io::Error::get_ref).and_then(|error| error.downcast_ref::<Error>());
        own.map_or_else(
            || Self { status: StatusCode::BAD_GATEWAY, text: "the peer ended the stream without an answer".to_owned() },
            Self::of,
        )
    }

    fn of_io(error: &io::Error) -> Self {
        if let Some(own) = error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
            return Self::of(own);
        }
        let is_late = error.kind() == io::ErrorKind::TimedOut;
        let status = if is_late { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
        Self { status, text: error.to_string() }
    }
}
