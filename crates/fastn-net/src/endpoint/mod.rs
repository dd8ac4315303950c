//! An endpoint: bind, publish its address, serve, close.
//!
//! - `inner`: shared state of an endpoint, and its shutdown
//! - `accept`: inbound connections, up to the peer's actor
//! - `handshakes`: admission of inbound handshakes
//! - `connections`, `peer_registry`: registries of live connections and of peers
//! - `open`, `ping`: streams and pings to a peer
//! - `access`: access lists and authorization requests
//! - `policy`: which peers may use which protocols
//! - `reauthorize`: new authorization requests for admitted peers and streams
//! - `listen`: listeners for streams and connections
//! - `shutdown`: tasks of the program, drain and close
//! - `ticket`: its address as text
//! - `watch`, `watchers`: changes of peers, and their watchers
//! - `metrics`: its counters as text

mod accept;
mod access;
mod connections;
mod handshakes;
mod inner;
mod listen;
mod metrics;
mod open;
mod peer_registry;
mod ping;
mod policy;
mod reauthorize;
mod shutdown;
#[cfg(test)]
mod tests;
mod ticket;
mod watch;
mod watchers;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use iroh::endpoint::{QuicTransportConfig, VarInt};
use tokio::time::Instant;
use tracing::info;

use self::accept::accept_connections;
pub(crate) use self::inner::EndpointInner;
pub use self::{
    shutdown::CloseReport,
    watch::{PeerInfo, Watch},
};
use crate::{
    config::{Config, Limits, PeerAddress},
    connection::{Connection, ConnectionGuard, slow_readers::STREAM_WINDOW},
    deadline::after,
    error::{Code, Error, Result},
    identity::{PublicKey, SecretKey},
    log_target,
    peer::{Peer, Tries, first_window},
    transport,
};

/// A secret key with sockets. Clones are the same endpoint.
///
/// Accepts connections while a listener exists. [`Endpoint::close`] closes it. Dropping the last clone closes it in the
/// background, with a time limit of 3 s.
#[derive(Clone, Debug)]
pub struct Endpoint(pub(crate) Arc<EndpointInner>, #[expect(dead_code, reason = "held for its drop")] Arc<CloseOnDrop>);

/// Closes the endpoint when its last public handle is dropped. Its tasks hold only [`EndpointInner`].
#[derive(Debug)]
struct CloseOnDrop(Arc<EndpointInner>);

/// Time limit of the close that dropping the last handle starts.
const DROPPED_TIMEOUT: Duration = Duration::from_secs(3);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.begin_close(DROPPED_TIMEOUT);
    }
}

impl Endpoint {
    /// Binds the sockets. Must be called within a tokio runtime; the endpoint runs on it.
    ///
    /// # Errors
    ///
    /// `ERR_BIND` when no socket could be bound, `ERR_INVALID_ARGUMENT` for an unusable network.
    pub async fn bind(secret: SecretKey, config: Config) -> Result<Self> {
        let id = secret.public();
        let limits = config.limits;
        let transport = QuicTransportConfig::builder()
            .max_concurrent_bidi_streams(VarInt::from_u32(limits.max_streams))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            // Datagrams are unused: each connection would buffer up to 1,250,000 bytes of them.
            .datagram_receive_buffer_size(None)
            // The peer's actor grows the receive window.
            .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
            .receive_window(VarInt::from_u32(first_window(limits.receive_window)))
            .build();
        let addresses = transport::bind_addresses(&config.network);
        let builder = transport::builder(&config.network, config.kulfi)?
            .secret_key(secret.into_iroh())
            .transport_config(transport);
        let iroh = builder.bind().await.map_err(|error| transport::bind_error(&addresses, error))?;
        let inner = EndpointInner::new(iroh.clone(), id, config);
        inner.lifecycle.spawn(accept_connections(inner.clone(), iroh));
        let endpoint = Self(inner.clone(), Arc::new(CloseOnDrop(inner)));
        info!(target: log_target::ENDPOINT, endpoint = %id, sockets = ?endpoint.bound_sockets(), "bound");
        if let Err(error) = endpoint.add_configured_peers() {
            // So that the caller can immediately bind the same port again.
            endpoint.close(Duration::ZERO).await;
            endpoint.ports_released().await;
            return Err(error);
        }
        Ok(endpoint)
    }

    fn add_configured_peers(&self) -> Result<()> {
        self.0.config().peers.iter().try_for_each(|peer| self.peer(peer).map(drop))
    }

    pub(crate) fn inner(&self) -> &Arc<EndpointInner> {
        &self.0
    }

    /// The endpoint's public key.
    #[must_use]
    pub fn id(&self) -> PublicKey {
        self.0.id()
    }

    /// The configured limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.0.limits()
    }

    /// Its currently known addresses. Empty once closed.
    #[must_use]
    pub fn address(&self) -> PeerAddress {
        self.0
            .transport
            .iroh()
            .map_or_else(|| PeerAddress::new(self.0.id()), |iroh| PeerAddress::from_iroh(&iroh.addr()))
    }

    /// The bound sockets; empty once closed.
    #[must_use]
    pub fn bound_sockets(&self) -> Vec<SocketAddr> {
        self.0.transport.iroh().map(|iroh| iroh.bound_sockets()).unwrap_or_default()
    }

    /// Returns the peer with this key, and adds the addresses.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS` for the endpoint's own key, `ERR_CLOSED`.
    pub fn peer(&self, address: &PeerAddress) -> Result<Arc<Peer>> {
        if address.id == self.0.id() {
            let text = "this is the endpoint's own id: an endpoint cannot dial itself";
            return Err(Error::new(Code::PeerAddress, text));
        }
        let peer = self.0.peer(address.id)?;
        peer.add_address(address);
        Ok(peer)
    }

    /// Connects to a peer, and guards the connection: it counts as used until the guard is dropped. Streams that the peer opens on a
    /// new connection wait up to 1 s for a listener. An existing connection is checked for liveness first, for at most 1 s. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `ERR_UNREACHABLE` says what was tried, and how often; `ERR_PEER_ADDRESS`, `ERR_UNAUTHORIZED`,
    /// `ERR_PROTOCOL_UNSUPPORTED` and `ERR_CLOSED` come at once.
    pub async fn connect(&self, peer: &Peer, limit: Duration) -> Result<ConnectionGuard> {
        let until = after(Instant::now(), limit);
        let offer = peer.offer_connections();
        loop {
            let known = peer.connection().map(|connection| connection.id());
            let guard = self.connection_guard(peer, until - Instant::now()).await?;
            if known != Some(guard.id()) || guard.seems_alive().await {
                guard.start_listener_grace();
                drop(offer);
                return Ok(guard);
            }
        }
    }

    pub(crate) async fn connection_guard(&self, peer: &Peer, limit: Duration) -> Result<ConnectionGuard> {
        let connect = async {
            let mut tries = Tries::new(self.limits().connect.retries, true);
            loop {
                let connection = self.connection_to(peer, tries).await?;
                if let Some(guard) = ConnectionGuard::new(&connection) {
                    return Ok(guard);
                }
                connection.unusable().await;
                tries = tries.next();
            }
        };
        peer.within(&self.0.peer_context, limit, connect).await?
    }

    /// Returns the connection for new streams. Fails once the endpoint closes, even while its connections drain.
    pub(crate) async fn connection_to(&self, peer: &Peer, tries: Tries) -> Result<Connection> {
        if self.0.lifecycle.is_closing() {
            return Err(Error::closed());
        }
        peer.connect(tries).await
    }

    /// Guards a live connection, by its id.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` when it has ended.
    pub fn connection(&self, id: u64) -> Result<ConnectionGuard> {
        let connection = self.0.connections.get(id);
        connection.and_then(|connection| ConnectionGuard::new(&connection)).ok_or_else(connection_ended)
    }

    /// Waits until the peer acknowledges a finished stream completely, or stops it. Works on retired and recently closed connections
    /// too. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST` if the connection ended first. `ERR_ACK_TIMEOUT` if the stream's header was not acknowledged in time.
    /// `ERR_CLOSED` if this endpoint closed the connection, or has forgotten it: it remembers the last 1,024 closed connections.
    pub async fn delivered(&self, connection: u64, stream: u64) -> Result<()> {
        if let Some(connection) = self.0.connections.get(connection) {
            return connection.delivered(stream).await;
        }
        self.0.connections.closed(connection).ok_or_else(connection_ended)?.delivered(stream).await
    }

    /// Snapshot of all tracked peers, ordered by key. A peer is tracked while it is in use, and for a while after. Empty once
    /// the endpoint is closed.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.0.peers.infos()
    }

    /// Watches all tracked peers: yields each peer once, then each peer that changes.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED`.
    pub fn watch(&self) -> Result<Watch> {
        self.0.peers.watch()
    }

    /// Renders all counters in the Prometheus text format, version 0.0.4. They cover connections, streams, bytes, dials, retries
    /// and refusals, and the latency of acks and pings. Returns the final values once the endpoint is closed.
    #[must_use]
    pub fn metrics(&self) -> String {
        metrics::text(&self.0)
    }

    /// Whether the connection is one of this endpoint's live ones.
    #[must_use]
    pub fn has_connection(&self, connection: &Connection) -> bool {
        self.0.connections.get(connection.id()).is_some()
    }
}

fn connection_ended() -> Error {
    Error::new(Code::Closed, "the connection has ended")
}
