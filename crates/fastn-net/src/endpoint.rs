//! An endpoint: bind, say where it is, serve, close. Opening streams is in `open.rs`.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use iroh::endpoint::{QuicTransportConfig, VarInt};
use iroh_tickets::{Ticket, endpoint::EndpointTicket};
use tokio::{runtime::Handle, sync::watch};
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::{
    config::{Config, Limits, PeerAddress},
    connection::Connection,
    error::{Code, Error, Result},
    identity::{PublicKey, SecretKey},
    inbound::{Inbound, Inlet, View},
    listener::{Listener, Places, Router},
    peer::{Message, Peer, closed},
    protocol::Protocol,
    wire::{alpn::Alpn, codes::close},
};

/// A secret key with sockets. Clones are the same endpoint.
///
/// It accepts connections while something listens, and closes when [`Endpoint::close`] says so; dropping
/// the last clone only leaves its tasks to the runtime.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Shared>);

/// What everything that belongs to one endpoint shares.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Gone once it is closed: its sockets are open as long as anybody holds it.
    iroh: Mutex<Option<iroh::Endpoint>>,
    id: PublicKey,
    config: Config,
    pub(crate) router: Arc<Router>,
    inbound: Arc<Inlet>,
    peers: Mutex<HashMap<PublicKey, Arc<Peer>>>,
    connections: Mutex<HashMap<u64, Connection>>,
    tasks: TaskTracker,
    runtime: Handle,
    closing: AtomicBool,
    /// Somebody began to close it, and does so to the end.
    shutting: AtomicBool,
    /// Streams left unacknowledged, once the endpoint has closed.
    closed: watch::Sender<Option<usize>>,
}

impl Endpoint {
    /// Opens the sockets. Must be called within a tokio runtime, which the endpoint then lives on.
    ///
    /// # Errors
    ///
    /// `ERR_BIND` when no socket could be bound, `ERR_INVALID_ARGUMENT` for an unusable network.
    pub async fn bind(secret: SecretKey, config: Config) -> Result<Self> {
        let id = secret.public();
        let limits = config.limits;
        let transport = QuicTransportConfig::builder()
            .max_concurrent_bidi_streams(VarInt::from_u32(limits.bidi_streams))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .receive_window(VarInt::from_u32(limits.receive_window))
            .build();
        let builder = config.network.builder()?.secret_key(secret.into_iroh()).transport_config(transport);
        let iroh = builder
            .bind()
            .await
            .map_err(|e| Error::new(Code::Bind, format!("no socket could be bound: {e}")).with_source(e))?;
        let shared = Arc::new(Shared {
            iroh: Mutex::new(Some(iroh.clone())),
            id,
            router: Arc::default(),
            inbound: Inlet::new(limits.connections),
            peers: Mutex::default(),
            connections: Mutex::default(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            closing: AtomicBool::new(false),
            shutting: AtomicBool::new(false),
            closed: watch::Sender::new(None),
            config,
        });
        shared.spawn(accept_connections(shared.clone(), iroh));
        let endpoint = Self(shared);
        for peer in &endpoint.0.config.peers {
            endpoint.peer(peer)?;
        }
        Ok(endpoint)
    }

    /// Who this is.
    #[must_use]
    pub fn id(&self) -> PublicKey {
        self.0.id
    }

    /// The bounds it was given.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.0.limits()
    }

    /// Where it can be reached, as far as is known now: nowhere, once it is closed.
    #[must_use]
    pub fn address(&self) -> PeerAddress {
        self.0.iroh().map_or_else(|| PeerAddress::new(self.0.id), |iroh| PeerAddress::from_iroh(&iroh.addr()))
    }

    /// The sockets it is bound to; none once it is closed.
    #[must_use]
    pub fn bound_sockets(&self) -> Vec<SocketAddr> {
        self.0.iroh().map(|iroh| iroh.bound_sockets()).unwrap_or_default()
    }

    /// The address as text in iroh's `endpoint…` form. Where relays are on it waits for the home relay,
    /// at most `limit`. Cancel safe.
    pub async fn ticket(&self, limit: Duration) -> String {
        if self.0.config.network.has_relays()
            && let Some(iroh) = self.0.iroh()
        {
            // Without a relay the ticket still tells the addresses: better than none.
            let _ = tokio::time::timeout(limit, iroh.online()).await;
        }
        EndpointTicket::new(self.address().to_iroh()).encode_string()
    }

    /// The peer with this key, remembering its addresses.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS` for the endpoint's own key, `ERR_CLOSED`.
    pub fn peer(&self, address: &PeerAddress) -> Result<Arc<Peer>> {
        if address.id == self.0.id {
            let text = "this is the endpoint's own id: an endpoint cannot dial itself";
            return Err(Error::new(Code::PeerAddress, text));
        }
        let peer = self.0.peer(address.id)?;
        peer.add_address(address);
        Ok(peer)
    }

    /// A connection to a peer, held: it counts as used until the view is dropped. Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`Peer::connect`].
    pub async fn connect(&self, peer: &Peer, limit: Duration) -> Result<View> {
        let connect = async {
            loop {
                let connection = self.connection_to(peer).await?;
                if let Some(view) = View::new(&connection) {
                    return Ok(view);
                }
                connection.unusable().await;
            }
        };
        tokio::time::timeout(limit, connect).await.unwrap_or_else(|_| {
            let text = format!("there was no connection to the peer {} within {} s", peer.id(), limit.as_secs_f32());
            Err(Error::new(Code::Unreachable, text))
        })
    }

    /// As [`Peer::connect`]; while the endpoint closes, nothing new begins on connections that still drain.
    pub(crate) async fn connection_to(&self, peer: &Peer) -> Result<Connection> {
        if self.0.is_closing() {
            return Err(closed());
        }
        peer.connect().await
    }

    /// A live connection by its number, held.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` when it has ended.
    pub fn connection(&self, id: u64) -> Result<View> {
        let connection = self.0.connections().get(&id).cloned();
        connection
            .and_then(|connection| View::new(&connection))
            .ok_or_else(|| Error::new(Code::Closed, "the connection has ended"))
    }

    /// Round-trip time to a peer, answered by its core. Dials if need be. Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`Peer::connect`]; `ERR_PING` when no or a wrong answer came.
    pub async fn ping(&self, peer: &Peer) -> Result<Duration> {
        let connection = self.connection_to(peer).await?;
        let limit = self.0.limits().ping_timeout;
        tokio::time::timeout(limit, connection.ping()).await.unwrap_or_else(|_| {
            let text = format!("the peer did not answer a ping within {} s", limit.as_secs_f32());
            Err(Error::new(Code::Ping, text))
        })
    }

    /// Serves some protocols from now on; with `connection`, only on that one and before everyone else.
    /// While something listens, the endpoint accepts connections.
    ///
    /// # Errors
    ///
    /// `ERR_PROTOCOL_IN_USE`, `ERR_CLOSED`.
    pub fn listen(&self, connection: Option<u64>, protocols: &[Protocol], otherwise: bool) -> Result<Listener> {
        let limits = self.0.limits();
        let places = Places { all: limits.queued_streams, of_one_peer: limits.queued_streams_per_peer };
        let listener = self.0.router.listen(connection, protocols, otherwise, places)?;
        self.0.offer_alpns();
        Ok(listener)
    }

    /// The connections that peers make from now on.
    ///
    /// # Errors
    ///
    /// `ERR_PROTOCOL_IN_USE` when somebody takes them already, `ERR_CLOSED`.
    pub fn inbound(&self) -> Result<Inbound> {
        let inbound = self.0.inbound.open()?;
        self.0.offer_alpns();
        Ok(inbound)
    }

    /// Closes the endpoint: refuses what is new, waits until what was finished is acknowledged, tells every
    /// peer, and closes the sockets. Bounded by `limit` and then some 3 s for unreachable peers. Idempotent;
    /// all callers share the first one's closing, and dropping the future stops nothing.
    /// Gives the number of finished streams that were not acknowledged in time.
    pub async fn close(&self, limit: Duration) -> usize {
        let mut closed = self.0.closed.subscribe();
        self.0.closing.store(true, Ordering::Release);
        if !self.0.shutting.swap(true, Ordering::AcqRel) {
            let shared = self.0.clone();
            // Not tracked: it waits for what is.
            self.0.runtime.spawn(async move {
                let left = shared.shut(limit).await;
                shared.closed.send_replace(Some(left));
            });
        }
        let left = closed.wait_for(Option::is_some).await;
        left.ok().and_then(|left| *left).unwrap_or(0)
    }

    /// Tells every peer at once, without waiting for anything: for a process that is about to end.
    pub fn close_now(&self) {
        self.0.closing.store(true, Ordering::Release);
        self.0.close_connections();
    }
}

impl Shared {
    pub(crate) fn id(&self) -> PublicKey {
        self.id
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.config.limits
    }

    pub(crate) fn iroh(&self) -> Option<iroh::Endpoint> {
        self.iroh.lock().expect("no panic while held").clone()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Runs a task on the endpoint's runtime, whatever thread this is.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Lists a connection. One that comes while the endpoint closes is told so.
    pub(crate) fn list(&self, connection: &Connection) {
        self.connections().insert(connection.id(), connection.clone());
        if self.is_closing() {
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    pub(crate) fn unlist(&self, connection: &Connection) {
        self.connections().remove(&connection.id());
    }

    /// Lets a peer's actor go if nobody else holds the peer; its addresses go with it.
    pub(crate) fn forget(&self, peer: &Arc<Peer>) -> bool {
        let mut peers = self.peers();
        // One is the table's, two are the actor's own and its loop's.
        let unused = Arc::strong_count(peer) <= 2;
        if unused {
            peers.remove(&peer.id());
        }
        unused
    }

    fn peer(self: &Arc<Self>, id: PublicKey) -> Result<Arc<Peer>> {
        let mut peers = self.peers();
        // Asked under the lock: a peer that is made now is one that closing tells.
        if self.is_closing() {
            return Err(closed());
        }
        let start = || Peer::start(self, PeerAddress::new(id));
        Ok(peers.entry(id).or_insert_with(start).clone())
    }

    /// Until something listens, no ALPN is offered and no connection accepted.
    fn offer_alpns(&self) {
        if let Some(iroh) = self.iroh() {
            iroh.set_alpns(Alpn::offered(self.config.kulfi));
        }
    }

    fn is_listening(&self) -> bool {
        !self.is_closing() && (self.router.is_listening() || self.inbound.is_open())
    }

    async fn shut(self: &Arc<Self>, limit: Duration) -> usize {
        self.router.close();
        self.inbound.close();
        for peer in self.peers().drain() {
            peer.1.tell(Message::Shutdown);
        }
        let live: Vec<Connection> = self.connections().values().cloned().collect();
        let drained = async {
            for connection in &live {
                connection.drained().await;
            }
        };
        let _ = tokio::time::timeout(limit, drained).await;
        let left = live.iter().map(|connection| connection.finishing().left()).sum();
        self.close_connections();
        // A task of its own: dropping iroh's close halfway leaves the endpoint half shut, and a second one returns early.
        let iroh = self.iroh.lock().expect("no panic while held").take();
        let close = async move {
            if let Some(iroh) = iroh {
                iroh.close().await;
            }
        };
        let _ = self.runtime.spawn(close).await;
        self.tasks.close();
        // The tasks of a connection end with it; a bound, in case one does not.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.wait()).await;
        // One that came in too late for its peer's actor has nobody who takes it off the list.
        self.connections().clear();
        left
    }

    fn close_connections(&self) {
        for connection in self.connections().values() {
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<u64, Connection>> {
        self.connections.lock().expect("no panic while held")
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<PublicKey, Arc<Peer>>> {
        self.peers.lock().expect("no panic while held")
    }
}

async fn accept_connections(shared: Arc<Shared>, iroh: iroh::Endpoint) {
    while let Some(incoming) = iroh.accept().await {
        let limits = *shared.limits();
        if !shared.is_listening() || shared.connections().len() >= limits.connections {
            incoming.refuse();
            continue;
        }
        let task = shared.clone();
        shared.spawn(async move {
            let Ok(accepting) = incoming.accept() else { return };
            match tokio::time::timeout(limits.dial_timeout, accepting).await {
                Ok(Ok(quic)) => task.welcome(quic),
                Ok(Err(error)) => debug!(%error, "a handshake failed"),
                Err(_) => debug!("a handshake took too long"),
            }
        });
    }
}

impl Shared {
    fn welcome(self: &Arc<Self>, quic: iroh::endpoint::Connection) {
        let Some(alpn) = Alpn::from_bytes(quic.alpn()) else {
            quic.close(0u8.into(), b"unknown ALPN");
            return;
        };
        let connection = Connection::new(quic, alpn, false);
        let Ok(peer) = self.peer(connection.remote()) else {
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
            return;
        };
        if !self.admit(&connection) {
            connection.close_own(close::LIMIT, "too many connections");
            return;
        }
        self.inbound.offer(&connection);
        peer.tell(Message::Inbound(connection));
    }

    /// Lists a connection that a peer made, if there is room for it: counted and listed under one lock.
    fn admit(&self, connection: &Connection) -> bool {
        let limits = self.limits();
        let mut connections = self.connections();
        let of_peer = connections.values().filter(|other| other.remote() == connection.remote()).count();
        let room = connections.len() < limits.connections && of_peer < limits.connections_per_peer;
        if room {
            connections.insert(connection.id(), connection.clone());
        }
        room
    }
}
