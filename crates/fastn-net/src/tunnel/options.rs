//! Options of both sides of a tunnel.

use std::time::Duration;

use super::Allow;
use crate::{
    error::{Code, Error, Result},
    options::by_name,
    protocol::Protocol,
};

/// Limit in bytes of a service's name.
const MAX_NAME: usize = 255;

const FLOW_TIMEOUT: Duration = Duration::from_mins(1);

/// Adds the `with_…` methods of fields: `set` takes the field's type, `some` a value that converts to the type within its `Option`.
macro_rules! setters {
    ($owner:ident { $($kind:ident $field:ident, $with:ident: $type:ty;)* }) => {
        impl $owner {
            $(setters!(@$kind $owner $field, $with: $type);)*
        }
    };
    (@set $owner:ident $field:ident, $with:ident: $type:ty) => {
        #[doc = concat!("Sets [`", stringify!($owner), "::", stringify!($field), "`].")]
        #[must_use]
        pub fn $with(mut self, value: $type) -> Self {
            self.$field = value;
            self
        }
    };
    (@some $owner:ident $field:ident, $with:ident: $type:ty) => {
        #[doc = concat!("Sets [`", stringify!($owner), "::", stringify!($field), "`].")]
        #[must_use]
        pub fn $with(mut self, value: impl Into<$type>) -> Self {
            self.$field = Some(value.into());
            self
        }
    };
}

pub(super) use setters;

/// How a service is exposed. Start from [`ExposeOptions::new`]: assign fields, or chain the `with_…` methods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExposeOptions {
    /// Peers that may use the service.
    pub allow: Allow,
    /// Name of the service, of at most 255 bytes. An endpoint exposes one service without a name, and any number with one. Older peers
    /// know only the one without.
    /// Default: none.
    pub service: Option<String>,
    /// Time limit of a connection to the target. Keep it below the peer's ack timeout, which is 10 s by default.
    /// Default: 9 s.
    pub connect_timeout: Duration,
    /// UDP: how long a flow may carry no datagram.
    /// Default: 60 s.
    pub flow_timeout: Duration,
}

impl ExposeOptions {
    /// The defaults, with the peers that may use the service.
    #[must_use]
    pub fn new(allow: Allow) -> Self {
        Self { allow, service: None, connect_timeout: Duration::from_secs(9), flow_timeout: FLOW_TIMEOUT }
    }
}

setters!(ExposeOptions {
    some service, with_service: String;
    set connect_timeout, with_connect_timeout: Duration;
    set flow_timeout, with_flow_timeout: Duration;
});

by_name! { ExposeOptions: service connect_timeout flow_timeout }

/// How a bridge reaches a peer's service. Start from the defaults: assign fields, or chain the `with_…` methods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeOptions {
    /// Name of the service, as the peer exposes it.
    /// Default: none.
    pub service: Option<String>,
    /// Local connections at a time, or flows. Further connections wait to be accepted; datagrams of further flows are dropped.
    /// Default: 4,096.
    pub max_connections: usize,
    /// Time limit for reaching the peer, for each connection.
    /// Default: 30 s.
    pub open_timeout: Duration,
    /// UDP: how long a flow may carry no datagram.
    /// Default: 60 s.
    pub flow_timeout: Duration,
}

setters!(BridgeOptions {
    some service, with_service: String;
    set max_connections, with_max_connections: usize;
    set open_timeout, with_open_timeout: Duration;
    set flow_timeout, with_flow_timeout: Duration;
});

impl Default for BridgeOptions {
    fn default() -> Self {
        let open_timeout = Duration::from_secs(30);
        Self { service: None, max_connections: 4096, open_timeout, flow_timeout: FLOW_TIMEOUT }
    }
}

by_name! { BridgeOptions: service max_connections open_timeout flow_timeout }

/// The protocol of a TCP service.
///
/// # Errors
///
/// `ERR_INVALID_ARGUMENT` for a name that is empty, too long or has control characters.
pub(super) fn tcp_protocol(service: Option<&str>) -> Result<Protocol> {
    check_name(service)?;
    Ok(service.map_or(Protocol::Tcp, |name| Protocol::service("tcp", Some(name))))
}

/// The protocol of a UDP service. Errors as above.
pub(super) fn udp_protocol(service: Option<&str>) -> Result<Protocol> {
    check_name(service)?;
    Ok(Protocol::service("udp", service))
}

/// The protocol of an HTTP service. Without a name, the name is empty, as in [`Endpoint::expose_http`](crate::Endpoint::expose_http)'s
/// counterpart in JavaScript. Errors as above.
pub(super) fn http_protocol(service: Option<&str>) -> Result<Protocol> {
    check_name(service)?;
    Ok(Protocol::service("http", Some(service.unwrap_or_default())))
}

/// The protocols of an exposed HTTP service: older peers know only the one without a name. Errors as above.
pub(super) fn http_protocols(service: Option<&str>) -> Result<Vec<Protocol>> {
    let mut protocols = vec![http_protocol(service)?];
    if service.is_none() {
        protocols.push(Protocol::Http);
    }
    Ok(protocols)
}

/// The protocol of SOCKS 5. Errors as above.
pub(super) fn socks_protocol(service: Option<&str>) -> Result<Protocol> {
    check_name(service)?;
    Ok(service.map_or(Protocol::Socks5, |name| Protocol::service("socks5", Some(name))))
}

/// The protocols of a proxy. Errors as above.
pub(super) fn proxy_protocols(service: Option<&str>) -> Result<Vec<Protocol>> {
    let mut protocols = vec![socks_protocol(service)?];
    if service.is_none() {
        protocols.push(Protocol::HttpProxy);
    }
    Ok(protocols)
}

fn check_name(service: Option<&str>) -> Result<()> {
    let Some(name) = service else { return Ok(()) };
    if name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
        let text = format!("a service's name has 1 to {MAX_NAME} bytes and no control characters");
        return Err(Error::new(Code::InvalidArgument, text));
    }
    Ok(())
}
