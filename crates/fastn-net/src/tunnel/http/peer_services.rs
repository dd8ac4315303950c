//! HTTP services of peers, over pooled streams.

use std::{
    collections::HashMap,
    fmt::Write,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    http::uri::{Authority, PathAndQuery, Scheme},
};
use hyper_util::{
    client::legacy::{
        self,
        connect::{self, Connected},
    },
    rt::TokioIo,
};
use tower_service::Service;

use super::{
    body::Body,
    expose::io_error,
    io::PeerIo,
    options::HttpDestination,
    page::status_of,
    pool::{self, Pool},
};
use crate::{
    config::PeerAddress,
    connection::Connection,
    endpoint::Endpoint,
    error::{Code, Error, Result},
    identity::PublicKey,
    stream::OpenOptions,
    tunnel::{handle::Work, options::http_protocol},
    wire::header,
};

/// How long an idle stream is kept: less than the peer keeps it.
const IDLE: Duration = Duration::from_secs(20);

/// HTTP services of peers.
pub(in crate::tunnel) struct Peers {
    pool: Pool<Connector>,
    opener: Arc<Opener>,
}

impl Peers {
    /// `known`: peers whose addresses are known.
    pub(in crate::tunnel) fn new(
        known: impl Iterator<Item = PeerAddress>,
        open_timeout: Duration,
        work: &Work,
    ) -> Self {
        let known = known.map(|peer| (peer.id, peer)).collect();
        let opener = Arc::new(Opener { endpoint: work.endpoint.clone(), known, open_timeout });
        let connector = Connector(opener.clone());
        Self { pool: pool::builder(work, IDLE).build(connector), opener }
    }

    /// Sends a request to a service. Dials the peer if there is no connection. Cancel-safe: a dropped request is cancelled at the peer.
    pub(in crate::tunnel) async fn send(
        &self,
        to: &HttpDestination,
        mut request: Request<Body>,
    ) -> std::result::Result<Response<Incoming>, Failure> {
        self.opener.connect(to.peer.id).await.map_err(|error| Failure::of(&error))?;
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority(to.peer.id, to.service.as_deref().unwrap_or_default()));
        let path = request.uri().path_and_query().cloned();
        parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        *request.uri_mut() = Uri::from_parts(parts).expect("all three are there");
        self.pool.request(request).await.map_err(|error| Failure::of_request(&error))
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

    fn of_request(error: &legacy::Error) -> Self {
        let own = io_error(error).and_then(|error| error.get_ref()).and_then(|error| error.downcast_ref::<Error>());
        own.map_or_else(
            || Self { status: StatusCode::BAD_GATEWAY, text: "the peer ended the stream without an answer".to_owned() },
            Self::of,
        )
    }
}

/// Opens streams to the services of peers.
struct Opener {
    endpoint: Endpoint,
    known: HashMap<PublicKey, PeerAddress>,
    open_timeout: Duration,
}

impl Opener {
    /// Connects to a peer, unless it is connected.
    async fn connect(&self, id: PublicKey) -> Result<()> {
        let peer = self.endpoint.peer(&self.address(id))?;
        let alpn = match peer.connection().filter(Connection::is_live) {
            Some(connection) => connection.alpn(),
            None => self.endpoint.connection_guard(&peer, self.open_timeout).await?.alpn(),
        };
        if alpn.is_native() {
            return Ok(());
        }
        // A stream of a protocol that an older peer does not know ends its accept loop.
        Err(Error::new(Code::ProtocolUnsupported, "the peer is an older one, which a bridge cannot reach"))
    }

    async fn open(&self, destination: Result<(PublicKey, String)>) -> Result<PeerIo> {
        let (id, service) = destination?;
        let header =
            header::encode(&http_protocol(Some(&service).filter(|name| !name.is_empty()).map(String::as_str))?, None)?;
        let peer = self.endpoint.peer(&self.address(id))?;
        let options = OpenOptions::new().with_await_ack(false).with_timeout(self.open_timeout);
        // The header travels with the request.
        let stream = match self.endpoint.try_open(&peer, &header, options)? {
            Some(stream) => stream,
            None => self.endpoint.get_stream(&peer, &header, options).await?,
        };
        Ok(PeerIo::new(stream))
    }

    fn address(&self, id: PublicKey) -> PeerAddress {
        self.known.get(&id).cloned().unwrap_or_else(|| PeerAddress::new(id))
    }
}

/// The key of a service in the pool: the peer, and the bytes of the service's name in hex, which keeps the case of letters.
fn authority(peer: PublicKey, service: &str) -> Authority {
    let hex = service.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let text = if hex.is_empty() { peer.to_string() } else { format!("{hex}.{peer}") };
    text.parse().expect("hex and an ID52")
}

fn destination_of(uri: &Uri) -> Option<(PublicKey, String)> {
    let host = uri.host()?;
    let (hex, id) = host.split_once('.').unwrap_or(("", host));
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
    Some((PublicKey::parse(id).ok()?, String::from_utf8(bytes.collect::<Option<_>>()?).ok()?))
}

/// Opens the streams of the pool.
#[derive(Clone)]
struct Connector(Arc<Opener>);

impl Service<Uri> for Connector {
    type Response = TokioIo<PeerIo>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let opener = self.0.clone();
        let destination = destination_of(&uri).ok_or_else(Error::closed);
        Box::pin(async move { Ok(TokioIo::new(opener.open(destination).await?)) })
    }
}

impl connect::Connection for PeerIo {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SecretKey;

    #[test]
    fn the_key_of_a_service_gives_the_service() {
        let peer = SecretKey::generate().public();
        for service in ["", "web", "Web é/@:", &"x".repeat(255)] {
            let uri = Uri::builder().scheme("http").authority(authority(peer, service)).path_and_query("/").build();
            assert_eq!(destination_of(&uri.expect("uri")), Some((peer, service.to_owned())));
        }
    }
}
