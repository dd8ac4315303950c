//! The HTTP service of this machine's side.

use std::{io, time::Duration};

use hyper::{
    Request, Response,
    header::{HOST, HeaderValue},
    http::uri::Authority,
};
use tokio_rustls::TlsConnector;

use super::{
    body::Body,
    exchange::Exchange,
    http_io::HttpIo,
    http2::Http2,
    io::LocalIo,
    options::HttpTarget,
    pool::{Pool, default_host},
    send_error::SendError,
    tls::Tls,
};
use crate::tunnel::{running::TunnelTasks, target::Target};

/// How long an idle connection is kept: less than the 5 s after which node:http closes it. A request that races with the close gets no
/// answer.
const IDLE: Duration = Duration::from_secs(4);

/// A service, and the connections to it.
pub(super) struct Backend {
    pool: Pool,
    socket: Target,
    tls: Option<Tls>,
    /// Time limit of the connection and its TLS handshake.
    limit: Duration,
    authority: Authority,
    /// Host of the requests, unless it is the client's.
    host: Option<HeaderValue>,
}

impl Backend {
    pub(super) fn new(
        target: HttpTarget,
        tls: Option<Tls>,
        host: Option<HeaderValue>,
        limit: Duration,
        work: &TunnelTasks,
    ) -> Self {
        let HttpTarget { authority, socket, .. } = target;
        let http2 = tls.is_some().then(|| Http2::new(authority.clone()));
        Self { pool: Pool::new(work, IDLE, http2), socket: Target::new(socket), tls, limit, authority, host }
    }

    /// Sends a request. Cancel-safe: a dropped request is cancelled at the service.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
        exchange: &Exchange,
    ) -> Result<Response<Body>, SendError> {
        match &self.host {
            Some(host) => drop(request.headers_mut().insert(HOST, host.clone())),
            None => default_host(&mut request, || HeaderValue::from_str(self.authority.as_str()).ok()),
        }
        self.pool.send(request, exchange, &|| Box::pin(self.connect(exchange.wants_upgrade()))).await
    }

    /// Over TLS, this may be HTTP/2, unless it is for an upgrade.
    async fn connect(&self, is_upgrade: bool) -> io::Result<HttpIo> {
        let connecting = async {
            let socket = LocalIo::service(self.socket.connect(self.limit).await?);
            let Some(tls) = &self.tls else { return Ok(HttpIo::Local(socket)) };
            let Tls { config, name } = if is_upgrade { tls.without_http2() } else { tls.clone() };
            Ok(HttpIo::Tls(Box::new(TlsConnector::from(config).connect(name, socket).await?)))
        };
        let timed_out = |_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time");
        tokio::time::timeout(self.limit, connecting).await.map_err(timed_out)?
    }
}
