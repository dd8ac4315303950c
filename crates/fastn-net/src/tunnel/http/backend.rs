//! The HTTP service of this machine's side.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::{
    Request, Response, Uri,
    body::Incoming,
    header::{HOST, HeaderValue},
    http::uri::{Authority, PathAndQuery, Scheme},
};
use hyper_util::{
    client::legacy::{
        self,
        connect::{Connected, Connection},
    },
    rt::TokioIo,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;

use super::{
    body::Body,
    io::LocalIo,
    options::HttpTarget,
    pool::{self, Pool},
    tls::Tls,
};
use crate::tunnel::{handle::Work, target::Target};

/// How long an idle connection is kept: less than the 5 s after which node:http closes it. A request that meets the close gets no answer.
const IDLE: Duration = Duration::from_secs(4);

/// A service, and the connections to it.
pub(super) struct Backend {
    /// Over TLS, these may be HTTP/2.
    pool: Pool<Connector>,
    /// HTTP/1.1 alone, for upgrades.
    upgrades: Pool<Connector>,
    scheme: Scheme,
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
        work: &Work,
    ) -> Self {
        let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        let socket = Arc::new(Target::new(target.socket));
        let (h2, h1) = tls.map_or((None, None), |tls| (Some(tls.clone()), Some(tls.without_http2())));
        let connector = |tls| Connector { socket: socket.clone(), tls, limit };
        let builder = pool::builder(work, IDLE);
        Self {
            pool: builder.build(connector(h2)),
            upgrades: builder.build(connector(h1)),
            scheme,
            authority: target.authority,
            host,
        }
    }

    /// Sends a request. Cancel-safe: a dropped request is cancelled at the service.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
        is_upgrade: bool,
    ) -> Result<Response<Incoming>, legacy::Error> {
        if let Some(host) = &self.host {
            request.headers_mut().insert(HOST, host.clone());
        }
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        let path = request.uri().path_and_query().cloned();
        parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        *request.uri_mut() = Uri::from_parts(parts).expect("all three are there");
        if is_upgrade { self.upgrades.request(request).await } else { self.pool.request(request).await }
    }
}

/// Connects to the service.
#[derive(Clone)]
struct Connector {
    socket: Arc<Target>,
    tls: Option<Tls>,
    /// For the connection and its TLS handshake.
    limit: Duration,
}

impl Connector {
    async fn connect(self) -> io::Result<TokioIo<BackendIo>> {
        let connecting = async {
            let socket = LocalIo::service(self.socket.connect(self.limit).await?);
            Ok(match self.tls {
                None => BackendIo::Plain(socket),
                Some(Tls { config, name }) => {
                    BackendIo::Tls(Box::new(TlsConnector::from(config).connect(name, socket).await?))
                }
            })
        };
        let timed_out = |_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time");
        tokio::time::timeout(self.limit, connecting).await.map_err(timed_out)?.map(TokioIo::new)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<BackendIo>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

/// A connection to the service.
enum BackendIo {
    Plain(LocalIo),
    Tls(Box<TlsStream<LocalIo>>),
}

/// Calls a method of either.
macro_rules! either {
    ($self:ident, $io:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Plain(io) => {
                let $io = Pin::new(io);
                $call
            }
            Self::Tls(io) => {
                let $io = Pin::new(io);
                $call
            }
        }
    };
}

impl Connection for BackendIo {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(io) if io.get_ref().1.alpn_protocol() == Some(b"h2") => Connected::new().negotiated_h2(),
            _ => Connected::new(),
        }
    }
}

impl AsyncRead for BackendIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_read(cx, into))
    }
}

impl AsyncWrite for BackendIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_shutdown(cx))
    }
}
