//! Options of both sides of an HTTP tunnel.

use std::{collections::HashMap, str::FromStr, time::Duration};

use hyper::http::uri::{Authority, Scheme, Uri};

use crate::{
    config::PeerAddress,
    error::{Code, Error, Result},
    options::{Field, by_name},
    tunnel::{Allow, SocketName, options::setters},
};

/// The exposed HTTP service.
///
/// As text: `http://host:port`, `https://host`, `host:port`, a bare port (of 127.0.0.1), or `unix:` and a path (not on Windows).
///
/// ```
/// use fastn_net::tunnel::HttpTarget;
///
/// let target: HttpTarget = "3000".parse()?;
/// assert_eq!(target.to_string(), "http://127.0.0.1:3000");
/// # fastn_net::Result::<()>::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTarget {
    pub(super) socket: SocketName,
    pub(super) is_tls: bool,
    /// The target's own name, as in Host.
    pub(super) authority: Authority,
}

impl FromStr for HttpTarget {
    type Err = Error;

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    fn from_str(text: &str) -> Result<Self> {
        if !text.contains("://") {
            let socket: SocketName = text.parse()?;
            let authority = match &socket {
                SocketName::Tcp { .. } => socket.to_string().parse().map_err(|_| invalid(text))?,
                #[cfg(unix)]
                SocketName::Unix(_) => Authority::from_static("localhost"),
            };
            return Ok(Self { socket, is_tls: false, authority });
        }
        let uri: Uri = text.parse().map_err(|_| invalid(text))?;
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let has_path = uri.path_and_query().is_some_and(|path| path != "/");
        match uri.authority() {
            Some(authority) if (is_tls || uri.scheme() == Some(&Scheme::HTTP)) && !has_path => {
                let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
                let socket = format!("{}:{port}", authority.host()).parse().map_err(|_| invalid(text))?;
                if authority.as_str().contains('@') {
                    return Err(invalid(text));
                }
                Ok(Self { socket, is_tls, authority: authority.clone() })
            }
            _ => Err(invalid(text)),
        }
    }
}

fn invalid(text: &str) -> Error {
    let text = format!(
        "{text:?} is no HTTP service: write http://host:port, https://host, host:port or a port, without a path"
    );
    Error::new(Code::InvalidArgument, text)
}

/// The text form, as a URL; a Unix socket as `unix:` and its path.
impl std::fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.socket {
            SocketName::Tcp { .. } => write!(f, "http{}://{}", if self.is_tls { "s" } else { "" }, self.authority),
            #[cfg(unix)]
            socket @ SocketName::Unix(_) => socket.fmt(f),
        }
    }
}

/// The Host header of the requests to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// As the client sent it.
    Client,
    /// Host and port of the target.
    Target,
    /// This host.
    Name(String),
}

/// `client`, `target`, or a name.
impl From<String> for HostHeader {
    fn from(text: String) -> Self {
        match text.as_str() {
            "client" => Self::Client,
            "target" => Self::Target,
            _ => Self::Name(text),
        }
    }
}

impl Field for Option<HostHeader> {
    fn set_text(&mut self, text: &str) -> bool {
        *self = Some(text.to_owned().into());
        true
    }
}

/// How an HTTP service is exposed. Start from [`ExposeHttpOptions::new`]: assign fields, or chain the `with_…` methods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExposeHttpOptions {
    /// Peers that may use the service.
    pub allow: Allow,
    /// Name of the service, of at most 255 bytes. An endpoint exposes one service without a name, and any number with one. Older peers
    /// know only the one without.
    /// Default: none.
    pub service: Option<String>,
    /// The Host header of the requests.
    /// Default: the client's; for a target with `https`, the target's.
    pub host_header: Option<HostHeader>,
    /// Certificates in PEM that are trusted instead of the system's, for a target with `https`.
    /// Default: none.
    pub certificates: Option<String>,
    /// Time limit of a connection to the target, its TLS handshake included.
    /// Default: 9 s.
    pub connect_timeout: Duration,
    /// How long the target may neither read the request nor answer it.
    /// Default: 60 s.
    pub response_timeout: Duration,
}

impl ExposeHttpOptions {
    /// The defaults, with the peers that may use the service.
    #[must_use]
    pub fn new(allow: Allow) -> Self {
        Self {
            allow,
            service: None,
            host_header: None,
            certificates: None,
            connect_timeout: Duration::from_secs(9),
            response_timeout: Duration::from_mins(1),
        }
    }
}

setters!(ExposeHttpOptions {
    some service, with_service: String;
    some host_header, with_host_header: HostHeader;
    some certificates, with_certificates: String;
    set connect_timeout, with_connect_timeout: Duration;
    set response_timeout, with_response_timeout: Duration;
});

by_name! { ExposeHttpOptions: service host_header certificates connect_timeout response_timeout }

/// A peer's HTTP service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpDestination {
    /// The peer.
    pub peer: PeerAddress,
    /// Name of the service, as the peer exposes it.
    pub service: Option<String>,
}

impl HttpDestination {
    /// A peer's service without a name.
    #[must_use]
    pub fn new(peer: PeerAddress) -> Self {
        Self { peer, service: None }
    }
}

setters!(HttpDestination {
    some service, with_service: String;
});

/// Which services a bridge reaches, and how. Start from the defaults: assign fields, or chain the `with_…` methods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeHttpOptions {
    /// The service that `localhost` and IP addresses select. A bridge with it reaches only this peer and those of `hosts`; one without it
    /// also reaches every peer whose ID52 is in the request's Host.
    /// Default: none.
    pub destination: Option<HttpDestination>,
    /// The services that other hosts select. A name `shop` is also found as `shop.localhost`.
    /// Default: none.
    pub hosts: HashMap<String, HttpDestination>,
    /// Local connections at a time. Further ones wait to be accepted.
    /// Default: 4,096.
    pub max_connections: usize,
    /// Time limit for reaching the peer, for each request.
    /// Default: 30 s.
    pub open_timeout: Duration,
}

setters!(BridgeHttpOptions {
    some destination, with_destination: HttpDestination;
    set max_connections, with_max_connections: usize;
    set open_timeout, with_open_timeout: Duration;
});

impl BridgeHttpOptions {
    /// Adds to [`BridgeHttpOptions::hosts`].
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>, destination: HttpDestination) -> Self {
        self.hosts.insert(host.into(), destination);
        self
    }
}

impl Default for BridgeHttpOptions {
    fn default() -> Self {
        let open_timeout = Duration::from_secs(30);
        Self { destination: None, hosts: HashMap::new(), max_connections: 4096, open_timeout }
    }
}

by_name! { BridgeHttpOptions: max_connections open_timeout }
