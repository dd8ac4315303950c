//! Proxies: peers reach destinations of their choice, within rules, through an endpoint that exposes a proxy.
//!
//! - `dial`: looks up, checks and connects
//! - `socks`: SOCKS 5 on that side; `socks_client`: on the clients' side; `exchange`: messages of both
//! - `http`: an HTTP proxy on the clients' side
//! - `older`: the proxies of older peers

mod dial;
mod exchange;
mod http;
mod older;
mod socks;
mod socks_client;

use std::sync::{Arc, OnceLock};

use tracing::{debug, info};

use self::{
    dial::{DialError, Dialler},
    http::HttpProxy,
};
use super::{
    BridgeOptions, ExposeOptions, SocketName, Tunnel,
    expose::accept,
    options::{proxy_protocols, socks_protocol},
    running::TunnelTasks,
    socket::Socket,
};
use crate::{
    config::PeerAddress,
    endpoint::Endpoint,
    error::{Code, Error, Result},
    identity::PublicKey,
    log_target,
    protocol::Protocol,
    targets::{Destination, Targets},
};

impl Endpoint {
    /// Exposes a proxy to peers: with [`Endpoint::socks5`] and [`Endpoint::proxy`], they reach the destinations that `targets` allows
    /// from this machine. This machine looks names up, checks each address, and connects to a checked address.
    ///
    /// The endpoint's stream limits bound the connections of each peer, and of all peers.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` without a rule, and for the service's name. `ERR_PROTOCOL_IN_USE` if the endpoint already exposes a proxy of
    /// this name. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
    pub fn expose_proxy(&self, targets: Targets, options: ExposeOptions) -> Result<Tunnel> {
        if targets.is_empty() {
            let text =
                "no target is allowed, so that nothing could use the proxy: give rules such as *:443 or 10.0.0.0/8";
            return Err(Error::new(Code::InvalidArgument, text));
        }
        let protocols = proxy_protocols(options.service.as_deref())?;
        let listener = self.listen_pending(None, &protocols, false)?;
        let work = TunnelTasks::new(self);
        let proxy = Arc::new(Proxy { dialler: Dialler::new(targets, options.connect_timeout) });
        let connection = work.clone();
        work.accept(accept(listener, options.allow, work.clone(), move |pending| {
            let (proxy, work) = (proxy.clone(), connection.clone());
            async move {
                match pending.protocol() {
                    Protocol::HttpProxy => older::serve(&proxy, pending, &work).await,
                    _ => socks::serve(&proxy, pending, &work).await,
                }
            }
        }));
        Ok(Tunnel::new(work, None))
    }

    /// Listens on `local` as a SOCKS 5 server, whose clients reach destinations through the proxy that the peer exposes
    /// ([`Endpoint::expose_proxy`]). CONNECT with IPv4, IPv6 and names, which the peer looks up; no authentication.
    ///
    /// Anyone who can reach `local` can use the proxy. Failures get the replies of RFC 1928: 2 for destinations that are not allowed, 3
    /// if the peer cannot be reached, 7 for other commands.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::bridge_tcp`].
    pub async fn socks5(&self, local: &SocketName, peer: PeerAddress, options: BridgeOptions) -> Result<Tunnel> {
        let protocol = socks_protocol(options.service.as_deref())?;
        self.bridge(local, peer, &protocol, options, |bridge, socket| async move {
            socks_client::serve(&bridge, socket).await;
        })
        .await
    }

    /// Listens on `local` as an HTTP proxy, whose clients reach destinations through the proxy that the peer exposes
    /// ([`Endpoint::expose_proxy`]). Supports CONNECT, and requests with an absolute `http:` URL, which are streamed both ways.
    ///
    /// Anyone who can reach `local` can use the proxy. A destination that is not allowed is answered with status 403, one that cannot be
    /// reached with 502 or 504. Requests without an absolute URL, such as those of web pages for other hosts, get 400.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::bridge_tcp`].
    pub async fn proxy(&self, local: &SocketName, peer: PeerAddress, options: BridgeOptions) -> Result<Tunnel> {
        let protocol = socks_protocol(options.service.as_deref())?;
        let made = OnceLock::new();
        self.bridge(local, peer, &protocol, options, move |bridge, socket| {
            let proxy: &Arc<_> = made.get_or_init(|| Arc::new(HttpProxy::new(bridge)));
            proxy.clone().serve(socket)
        })
        .await
    }
}

/// An exposed proxy.
struct Proxy {
    dialler: Dialler,
}

impl Proxy {
    async fn dial(&self, peer: PublicKey, destination: &Destination) -> Result<Socket, DialError> {
        let dialled = self.dialler.dial(destination).await;
        match &dialled {
            Ok(_) => debug!(target: log_target::TUNNEL, %peer, %destination, "connected through the proxy"),
            Err(error) => {
                info!(target: log_target::TUNNEL, %peer, %destination, %error, "not connected through the proxy");
            }
        }
        dialled
    }
}
