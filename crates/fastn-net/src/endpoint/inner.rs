//! Shared state of an endpoint, and its shutdown.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tracing::{debug, info};

use super::{CloseReport, connections::ConnectionRegistry, handshakes::Handshakes, peer_registry::PeerRegistry};
use crate::{
    authorization::Authorization,
    config::{Config, Limits},
    connection::Connection,
    counters::Counters,
    identity::PublicKey,
    lifecycle::Lifecycle,
    log_target,
    negotiation::Negotiator,
    peer::PeerContext,
    routing::{ConnectionQueue, Router},
    transport::{Transport, abandon},
};

/// Shared state of an endpoint. All handles and tasks of the endpoint refer to it.
#[derive(Debug)]
pub(crate) struct EndpointInner {
    id: PublicKey,
    config: Config,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) transport: Arc<Transport>,
    /// Counters of the endpoint, shared with its connections.
    pub(crate) counters: Arc<Counters>,
    pub(crate) authorization: Arc<Authorization>,
    pub(crate) router: Arc<Router>,
    pub(crate) connection_queue: Arc<ConnectionQueue>,
    pub(crate) negotiator: Arc<Negotiator>,
    pub(crate) connections: Arc<ConnectionRegistry>,
    pub(crate) peers: Arc<PeerRegistry>,
    pub(crate) peer_context: Arc<PeerContext>,
    pub(crate) handshakes: Arc<Handshakes>,
    /// Set by the first listener: the endpoint offers its ALPNs.
    offers_alpns: AtomicBool,
    /// The relay's reason, if it refused this endpoint while the last ticket was created.
    relay_refusal: Mutex<Option<String>>,
    /// Set when a close has begun. It runs to completion.
    shutting: AtomicBool,
    /// Set once the endpoint has closed.
    closed: watch::Sender<Option<CloseReport>>,
}

impl EndpointInner {
    /// Takes open sockets. Must be called within a tokio runtime; the endpoint runs on it.
    pub(crate) fn new(iroh: iroh::Endpoint, id: PublicKey, config: Config) -> Arc<Self> {
        let limits = config.limits;
        let lifecycle = Arc::new(Lifecycle::new());
        let transport = Arc::new(Transport::new(iroh, &config));
        let counters = Arc::<Counters>::default();
        let authorization = Arc::new(Authorization::new(&config));
        let router = Arc::new(Router::new(authorization.clone()));
        let negotiator = Arc::new(Negotiator::new(
            limits,
            lifecycle.clone(),
            counters.clone(),
            router.clone(),
            authorization.clone(),
        ));
        let connections = Arc::new(ConnectionRegistry::new(lifecycle.clone(), counters.clone(), router.clone()));
        let connection_queue = ConnectionQueue::new(limits.max_connections);
        let peers = PeerRegistry::new(connections.clone(), connection_queue.clone(), lifecycle.clone());
        let serving = negotiator.clone();
        let peer_context = Arc::new(PeerContext {
            id,
            limits,
            lifecycle: lifecycle.clone(),
            transport: transport.clone(),
            counters: counters.clone(),
            registry: peers.clone(),
            serve: Box::new(move |quota, connection| Box::pin(serving.clone().serve(quota, connection))),
        });
        Arc::new(Self {
            id,
            lifecycle,
            transport,
            counters,
            authorization,
            router,
            connection_queue,
            negotiator,
            connections,
            peers,
            peer_context,
            handshakes: Arc::default(),
            offers_alpns: AtomicBool::new(false),
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

    /// Offers the ALPNs to peers. Before the first call, QUIC refuses every handshake.
    pub(crate) fn offer_alpns(&self) {
        if let Some(iroh) = self.transport.iroh() {
            iroh.set_alpns(self.transport.alpns());
            self.offers_alpns.store(true, Ordering::Release);
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        !self.lifecycle.is_closing() && (self.router.is_listening() || self.connection_queue.is_listening())
    }

    /// Whether new work of peers is refused.
    pub(crate) fn is_shutting_down(&self) -> bool {
        self.lifecycle.is_closing() || self.router.is_closed()
    }

    /// Whether inbound handshakes are completed: to serve the peer, or to close with the shutdown code if the endpoint listened
    /// before.
    pub(crate) fn answers_handshakes(&self) -> bool {
        self.is_listening() || self.is_shutting_down() && self.offers_alpns.load(Ordering::Acquire)
    }

    /// See [`crate::Endpoint::close`].
    pub(crate) fn close(self: &Arc<Self>, limit: Duration) -> impl Future<Output = CloseReport> + use<> {
        let mut closed = self.closed.subscribe();
        self.begin_close(limit);
        async move {
            let report = closed.wait_for(Option::is_some).await;
            report.ok().and_then(|report| *report).unwrap_or_default()
        }
    }

    /// Starts closing in the background. No-op if closing has begun.
    pub(crate) fn begin_close(self: &Arc<Self>, limit: Duration) {
        self.lifecycle.begin_closing();
        if !self.shutting.swap(true, Ordering::AcqRel) {
            let inner = self.clone();
            // Untracked: this task waits for the tracked ones.
            self.lifecycle.spawn_untracked(async move {
                let report = inner.shut(limit).await;
                inner.closed.send_replace(Some(report));
            });
        }
    }

    /// See [`crate::Endpoint::ports_released`].
    pub(crate) async fn ports_released(&self) {
        let _ = self.closed.subscribe().wait_for(Option::is_some).await;
        self.transport.released().await;
    }

    pub(crate) fn close_now(&self) {
        self.lifecycle.begin_closing();
        self.connections.close_all();
    }

    /// See [`crate::Endpoint::refuse_new_work`].
    pub(crate) fn refuse_new_work(&self) {
        self.lifecycle.begin_closing();
        self.lifecycle.ending.cancel();
        self.lifecycle.draining.cancel();
        self.router.close();
        self.authorization.close();
        self.connection_queue.close();
        self.peers.shut_down();
    }

    async fn shut(self: &Arc<Self>, limit: Duration) -> CloseReport {
        debug!(target: log_target::ENDPOINT, endpoint = %self.id, "closing");
        self.refuse_new_work();
        let began = Instant::now();
        // The rest is for acknowledgements.
        let _ = tokio::time::timeout(limit / 5 * 4, self.lifecycle.work_ended()).await;
        let unfinished_tasks = self.lifecycle.work_count();
        let live = self.connections.all();
        let drained = async {
            for connection in &live {
                connection.drained().await;
            }
        };
        let _ = tokio::time::timeout(limit.saturating_sub(began.elapsed()), drained).await;
        self.lifecycle.connections_closed.cancel();
        let unacknowledged = live.iter().map(|connection| connection.deliveries().count()).sum();
        let close_grace = live.iter().map(Connection::close_grace).max().unwrap_or_default();
        self.connections.close_all();
        let last_word = self.transport.half_open.end_inbound(limit.saturating_sub(began.elapsed())).await;
        let iroh = self.transport.take();
        // Both kinds of handshakes were cancelled above.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.transport.half_open.ended()).await;
        if self.transport.half_open.any() {
            abandon(iroh, close_grace.max(last_word)).await;
        } else {
            // In its own task: cancelling iroh's close leaves the endpoint half closed, and a second call returns early.
            let close = async move {
                if let Some(iroh) = iroh {
                    iroh.close().await;
                }
            };
            let _ = self.lifecycle.spawn_untracked(close).await;
        }
        // Each connection's tasks end with it. The limit covers a task that does not.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.lifecycle.ended()).await;
        // A connection that arrived after its peer's actor ended has no other owner that removes it.
        self.connections.clear();
        // Streams that are still queued.
        self.router.detach_streams();
        self.peers.watchers.close();
        info!(target: log_target::ENDPOINT, endpoint = %self.id, unacknowledged, unfinished_tasks, "closed");
        CloseReport { unacknowledged, unfinished_tasks }
    }

    pub(crate) fn relay_refusal(&self) -> MutexGuard<'_, Option<String>> {
        self.relay_refusal.lock().expect("no panic while held")
    }
}
