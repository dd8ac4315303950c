//! Registry of the tracked peers, each with its actor. Bounded: the least recently active peer is forgotten first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{EndpointInner, accept::SHUTDOWN, connections::ConnectionRegistry, watchers::Watchers};
use crate::{
    authorization::Rejection,
    config::PeerAddress,
    connection::Connection,
    error::{Code, Error, Result},
    identity::PublicKey,
    lifecycle::Lifecycle,
    peer::{Message, Peer, Registry},
    routing::ConnectionQueue,
    wire::codes::close,
};

/// Limit of peers that this side dials or opens streams to, beyond the connection limit. Inbound peers do not count.
const MAX_OUTBOUND: usize = 1024;

const TOO_MANY_PEERS: Rejection = Rejection { close_code: close::LIMIT, reason: "too many peers" };

/// The tracked peers of an endpoint, and their watchers.
#[derive(Debug)]
pub(crate) struct PeerRegistry {
    peers: Mutex<HashMap<PublicKey, Arc<Peer>>>,
    pub(super) watchers: Watchers,
    pub(super) connections: Arc<ConnectionRegistry>,
    connection_queue: Arc<ConnectionQueue>,
    pub(super) lifecycle: Arc<Lifecycle>,
}

impl PeerRegistry {
    pub(crate) fn new(
        connections: Arc<ConnectionRegistry>,
        connection_queue: Arc<ConnectionQueue>,
        lifecycle: Arc<Lifecycle>,
    ) -> Arc<Self> {
        let (peers, watchers) = (Mutex::default(), Watchers::default());
        Arc::new(Self { peers, watchers, connections, connection_queue, lifecycle })
    }

    /// All tracked peers, ordered by key.
    pub(crate) fn all(&self) -> Vec<Arc<Peer>> {
        let mut peers: Vec<Arc<Peer>> = self.lock().values().cloned().collect();
        peers.sort_by_key(|peer| peer.id());
        peers
    }

    /// Ends every peer's actor.
    pub(crate) fn shut_down(&self) {
        for (id, peer) in self.lock().drain() {
            self.watchers.gone(&id);
            peer.tell(Message::Shutdown);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<PublicKey, Arc<Peer>>> {
        self.peers.lock().expect("no panic while held")
    }
}

impl Registry for PeerRegistry {
    fn connection_opened(&self, connection: &Connection) {
        self.connections.insert(connection);
    }

    fn connection_accepted(&self, connection: &Connection) {
        self.connection_queue.offer(connection);
    }

    fn follow_paths(self: Arc<Self>, connection: &Connection) {
        self.watch_paths(connection);
    }

    fn connection_ended(&self, connection: &Connection) {
        self.connections.remove(connection);
    }

    fn peer_changed(&self, peer: &PublicKey) {
        self.watchers.changed(peer);
    }

    fn forget(&self, peer: &Arc<Peer>, is_quiet: &dyn Fn() -> bool) -> bool {
        let mut peers = self.lock();
        // The registry holds one reference, the actor and its supervisor hold two. Every other reference is handed out under
        // this lock.
        let unused = Arc::strong_count(peer) <= 3 && is_quiet();
        if unused {
            peers.remove(&peer.id());
            self.watchers.gone(&peer.id());
        }
        unused
    }
}

impl EndpointInner {
    /// Returns the peer with this key, for use by this side.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED`, and `ERR_BUSY` when too many peers are in use.
    pub(crate) fn peer(&self, id: PublicKey) -> Result<Arc<Peer>> {
        let mut peers = self.peers.lock();
        // Checked under the lock: closing also shuts down a peer added before it.
        if self.lifecycle.is_closing() {
            return Err(Error::closed());
        }
        let most = self.most_inbound_peers().saturating_add(MAX_OUTBOUND);
        self.remember(&mut peers, id, most).ok_or_else(|| {
            let text = format!("this endpoint has {most} peers in use, which is its limit: release some first");
            Error::new(Code::Busy, text)
        })
    }

    /// Returns the peer with this key, for an inbound connection.
    pub(crate) fn inbound_peer(&self, id: PublicKey) -> Result<Arc<Peer>, Rejection> {
        let mut peers = self.peers.lock();
        if self.lifecycle.is_closing() {
            return Err(SHUTDOWN);
        }
        self.remember(&mut peers, id, self.most_inbound_peers()).ok_or(TOO_MANY_PEERS)
    }

    fn most_inbound_peers(&self) -> usize {
        self.limits().max_connections.saturating_add(self.config().peers.len())
    }

    /// `None` if there are `most` peers, all in use.
    fn remember(&self, peers: &mut HashMap<PublicKey, Arc<Peer>>, id: PublicKey, most: usize) -> Option<Arc<Peer>> {
        if let Some(peer) = peers.get(&id) {
            return Some(peer.clone());
        }
        if peers.len() >= most {
            let quiet = peers.values().filter(|peer| Peer::is_quiet(peer));
            let quietest = quiet.min_by_key(|peer| peer.active_at())?.clone();
            peers.remove(&quietest.id());
            self.peers.watchers.gone(&quietest.id());
            quietest.tell(Message::Shutdown);
        }
        self.peers.watchers.changed(&id);
        let mut address = PeerAddress::new(id);
        self.config().peers.iter().filter(|known| known.id == id).for_each(|known| _ = address.merge(known));
        let peer = Peer::start(&self.peer_context, address, self.authorization.quota());
        peers.insert(id, peer.clone());
        Some(peer)
    }
}
