//! What everything that belongs to one endpoint shares, and how all of it ends.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, info};

use super::{handshakes::Handshakes, watch::Watchers};
use crate::{
    authorization::Authorization,
    config::{Config, Limits},
    connection::Connection,
    counters::Counters,
    identity::PublicKey,
    peer::{Message, Peer},
    routing::{ConnectionQueue, Router},
    target,
    transport::{HalfOpen, abandon, sockets},
    wire::{alpn::Alpn, codes::close},
};

/// What everything that belongs to one endpoint shares.
#[derive(Debug)]
pub(crate) struct EndpointInner {
    /// Gone once it is closed: its sockets are open as long as anybody holds it.
    iroh: Mutex<Option<iroh::Endpoint>>,
    sockets: Vec<SocketAddr>,
    id: PublicKey,
    config: Config,
    pub(crate) router: Arc<Router>,
    pub(crate) inbound: Arc<ConnectionQueue>,
    /// Its connections count into it as well.
    pub(crate) metrics: Arc<Counters>,
    pub(crate) watchers: Watchers,
    pub(crate) guard: Authorization,
    peers: Mutex<HashMap<PublicKey, Arc<Peer>>>,
    connections: Mutex<HashMap<u64, Connection>>,
    pub(crate) handshakes: Arc<Handshakes>,
    tasks: TaskTracker,
    runtime: Handle,
    closing: AtomicBool,
    /// Something has listened.
    offers_alpns: AtomicBool,
    /// Cancelled when closing begins: dials end.
    pub(crate) ending: CancellationToken,
    /// Cancelled when connections are closed: no further handshake begins. Until then, peers are told that this endpoint closes.
    pub(crate) deaf: CancellationToken,
    pub(crate) half_open: HalfOpen,
    /// Why the last ticket has no relay, where the relay said so.
    relay_refusal: Mutex<Option<String>>,
    /// Somebody began to close it, and does so to the end.
    shutting: AtomicBool,
    /// Streams left unacknowledged, once the endpoint has closed.
    closed: watch::Sender<Option<usize>>,
}

impl EndpointInner {
    /// Of an endpoint with its sockets open. Must be called within a tokio runtime, which the endpoint then lives on.
    pub(crate) fn new(iroh: iroh::Endpoint, id: PublicKey, config: Config) -> Arc<Self> {
        let guard = Authorization::new(&config);
        Arc::new(Self {
            sockets: iroh.bound_sockets(),
            iroh: Mutex::new(Some(iroh)),
            id,
            router: Arc::new(Router::new(guard.access().clone())),
            inbound: ConnectionQueue::new(config.limits.connections),
            metrics: Arc::default(),
            watchers: Watchers::default(),
            guard,
            peers: Mutex::default(),
            connections: Mutex::default(),
            handshakes: Arc::default(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            closing: AtomicBool::new(false),
            offers_alpns: AtomicBool::new(false),
            ending: CancellationToken::new(),
            deaf: CancellationToken::new(),
            half_open: HalfOpen::default(),
            relay_refusal: Mutex::default(),
            shutting: AtomicBool::new(false),
            closed: watch::Sender::new(None),
            config,
        })
    }

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

    /// Takes a connection off the list, keeps what it counted, and ends its listeners.
    pub(crate) fn unlist(&self, connection: &Connection) {
        if let Some(connection) = self.connections().remove(&connection.id()) {
            let stats = connection.stats();
            self.metrics.keep_bytes(stats.bytes_sent, stats.bytes_received);
        }
        // Off the list before: a listener that comes later finds that the connection has ended.
        self.router.connection_ended(connection.id());
    }

    /// The same of all that are left.
    pub(crate) fn unlist_all(&self) {
        let mut connections = self.connections();
        let keep = |(_, connection): (u64, Connection)| {
            let stats = connection.stats();
            self.metrics.keep_bytes(stats.bytes_sent, stats.bytes_received);
            connection
        };
        let left: Vec<Connection> = connections.drain().map(keep).collect();
        drop(connections);
        // One that never had a task has nobody else who does this.
        left.iter().for_each(Connection::let_go);
    }

    /// Something changed about a peer: its state, its preferred connection, or one of its connections was lost.
    pub(crate) fn changed(&self, peer: &PublicKey) {
        self.watchers.changed(peer);
    }

    /// Lets a peer's actor go if nobody else holds the peer; its addresses go with it.
    /// `is_quiet`: nobody has told it anything that it has not heard.
    pub(crate) fn forget(&self, peer: &Arc<Peer>, is_quiet: impl FnOnce() -> bool) -> bool {
        let mut peers = self.peers();
        // One is in the endpoint's list, two are the actor's and its supervisor's. Whoever gets another one asks under this lock.
        let unused = Arc::strong_count(peer) <= 3 && is_quiet();
        if unused {
            peers.remove(&peer.id());
            self.watchers.gone(&peer.id());
        }
        unused
    }

    /// Until something listens, no ALPN is offered and no connection accepted.
    pub(crate) fn offer_alpns(&self) {
        if let Some(iroh) = self.iroh() {
            iroh.set_alpns(Alpn::offered(self.config.kulfi));
            self.offers_alpns.store(true, Ordering::Release);
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        !self.is_closing() && (self.router.is_listening() || self.inbound.is_open())
    }

    /// Nothing new is taken from peers any more.
    pub(crate) fn is_shutting_down(&self) -> bool {
        self.is_closing() || self.router.is_closed()
    }

    /// Peers that connect get an answer: they are served, or learn that an endpoint which listened shuts down.
    pub(crate) fn answers_handshakes(&self) -> bool {
        self.is_listening() || self.is_shutting_down() && self.offers_alpns.load(Ordering::Acquire)
    }

    /// What [`crate::Endpoint::close`] does.
    pub(crate) async fn close(self: &Arc<Self>, limit: Duration) -> usize {
        let mut closed = self.closed.subscribe();
        self.begin_close(limit);
        let left = closed.wait_for(Option::is_some).await;
        left.ok().and_then(|left| *left).unwrap_or(0)
    }

    /// Starts closing in the background. No-op if closing has begun.
    pub(crate) fn begin_close(self: &Arc<Self>, limit: Duration) {
        self.closing.store(true, Ordering::Release);
        if !self.shutting.swap(true, Ordering::AcqRel) {
            let shared = self.clone();
            // Not tracked: it waits for what is.
            self.runtime.spawn(async move {
                let left = shared.shut(limit).await;
                shared.closed.send_replace(Some(left));
            });
        }
    }

    /// What [`crate::Endpoint::freed`] does.
    pub(crate) async fn freed(&self) {
        let _ = self.closed.subscribe().wait_for(Option::is_some).await;
        sockets::freed(&self.sockets).await;
    }

    pub(crate) fn close_now(&self) {
        self.closing.store(true, Ordering::Release);
        self.close_connections();
    }

    async fn shut(self: &Arc<Self>, limit: Duration) -> usize {
        debug!(target: target::ENDPOINT, endpoint = %self.id, "closing");
        self.ending.cancel();
        self.router.close();
        self.guard.close();
        self.inbound.close();
        for (id, peer) in self.peers().drain() {
            self.watchers.gone(&id);
            peer.tell(Message::Shutdown);
        }
        let live: Vec<Connection> = self.connections().values().cloned().collect();
        let drained = async {
            for connection in &live {
                connection.drained().await;
            }
        };
        let began = Instant::now();
        let _ = tokio::time::timeout(limit, drained).await;
        self.deaf.cancel();
        let left = live.iter().map(|connection| connection.finishing().left()).sum();
        let goodbye = live.iter().map(Connection::goodbye).max().unwrap_or_default();
        self.close_connections();
        let last_word = self.half_open.end_inbound(limit.saturating_sub(began.elapsed())).await;
        let iroh = self.iroh.lock().expect("no panic while held").take();
        // They have been told to end.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.half_open.ended()).await;
        if self.half_open.any() {
            abandon(iroh, goodbye.max(last_word)).await;
        } else {
            // A task of its own: dropping iroh's close halfway leaves the endpoint half shut, and a second one returns early.
            let close = async move {
                if let Some(iroh) = iroh {
                    iroh.close().await;
                }
            };
            let _ = self.runtime.spawn(close).await;
        }
        self.tasks.close();
        // The tasks of a connection end with it; a bound, in case one does not.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.wait()).await;
        // One that came in too late for its peer's actor has nobody who takes it off the list.
        self.unlist_all();
        // Those that nobody has taken yet.
        self.router.outlive();
        self.watchers.close();
        info!(target: target::ENDPOINT, endpoint = %self.id, left, "closed");
        left
    }

    fn close_connections(&self) {
        for connection in self.connections().values() {
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    pub(crate) fn connections(&self) -> MutexGuard<'_, HashMap<u64, Connection>> {
        self.connections.lock().expect("no panic while held")
    }

    pub(crate) fn relay_refusal(&self) -> MutexGuard<'_, Option<String>> {
        self.relay_refusal.lock().expect("no panic while held")
    }

    pub(crate) fn peers(&self) -> MutexGuard<'_, HashMap<PublicKey, Arc<Peer>>> {
        self.peers.lock().expect("no panic while held")
    }
}
