//! Watches the peers of an endpoint.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::StreamExt;

use super::{
    peer_registry::PeerRegistry,
    watchers::{Queue, is_some_watching, lock},
};
use crate::{
    connection::Connection,
    error::{Error, Result},
    identity::PublicKey,
    peer::{Peer, PeerStatus},
};

/// Snapshot of a peer.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// The peer's key.
    pub id: PublicKey,
    /// False once the endpoint has forgotten the peer. The other fields are empty then.
    pub tracked: bool,
    /// Status published by its actor.
    pub status: PeerStatus,
    /// Live connections, the one for new streams first.
    pub connections: Vec<Connection>,
    /// Whether there is a connection for new streams.
    pub preferred: bool,
}

/// Stream of changed peers. Dropping it stops the watch.
#[derive(Debug)]
pub struct Watch {
    registry: Arc<PeerRegistry>,
    queue: Arc<Queue>,
}

impl Watch {
    /// Polls for the next changed peer, as a current snapshot. Yields every tracked peer once at first. Arms the waker when
    /// there is none. Yields a forgotten peer once more, as not tracked.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint has closed and every change was yielded.
    pub fn poll_change(&self, cx: &mut Context<'_>) -> Poll<Result<PeerInfo>> {
        // Hold both locks, so that forgetting a peer happens before or after this, never in between.
        let peers = self.registry.lock();
        let mut queue = self.queue.lock();
        while let Some((_, id)) = queue.order.pop_first() {
            let peer = peers.get(&id).cloned();
            let reported = queue.take(id, peer.is_some());
            match peer {
                Some(peer) => {
                    drop((queue, peers));
                    return Poll::Ready(Ok(PeerInfo::of(&peer)));
                }
                None if reported => return Poll::Ready(Ok(PeerInfo::gone(id))),
                None => {}
            }
        }
        if queue.closed {
            return Poll::Ready(Err(Error::closed()));
        }
        queue.wait_with(cx, peers)
    }

    /// Waits for the next change. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`Watch::poll_change`].
    pub async fn changed(&self) -> Result<PeerInfo> {
        poll_fn(|cx| self.poll_change(cx)).await
    }

    /// Number of changed peers that were not yielded yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.lock().order.len()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.registry.watchers.remove(&self.queue);
    }
}

impl PeerInfo {
    pub(crate) fn of(peer: &Peer) -> Self {
        let preferred = peer.connection().map(|connection| connection.id());
        let mut connections = peer.connections();
        connections.sort_by_key(|connection| (Some(connection.id()) != preferred, connection.id()));
        let status = peer.status();
        Self { id: peer.id(), tracked: true, status, connections, preferred: preferred.is_some() }
    }

    fn gone(id: PublicKey) -> Self {
        Self { id, tracked: false, status: PeerStatus::default(), connections: Vec::new(), preferred: false }
    }
}

impl PeerRegistry {
    /// Snapshot of all tracked peers, ordered by key.
    pub(crate) fn infos(&self) -> Vec<PeerInfo> {
        self.all().iter().map(|peer| PeerInfo::of(peer)).collect()
    }

    pub(crate) fn watch(self: &Arc<Self>) -> Result<Watch> {
        let queue = Arc::default();
        {
            let peers = self.lock();
            self.watchers.add(&queue)?;
            for id in peers.keys() {
                queue.push(*id);
            }
        }
        let watch = Watch { registry: self.clone(), queue };
        for connection in &self.connections.all() {
            self.watch_paths(connection);
        }
        Ok(watch)
    }

    /// Reports each opened, closed or selected path as a change of the peer, while a watcher exists.
    pub(super) fn watch_paths(self: &Arc<Self>, connection: &Connection) {
        let id = connection.id();
        if !self.watchers.is_watched() || !lock(&self.watchers.followed).insert(id) {
            return;
        }
        let (registry, connection) = (self.clone(), connection.clone());
        self.lifecycle.spawn(async move {
            let watchers = &registry.watchers;
            let mut count = watchers.count.subscribe();
            let mut events = connection.path_events();
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(_) => watchers.changed(&connection.remote()),
                        None => break,
                    },
                    _ = connection.closed() => break,
                    _ = count.wait_for(|count| !is_some_watching(*count)) => {
                        let mut followed = lock(&watchers.followed);
                        followed.remove(&id);
                        // A watcher may have started since, and have found this connection followed.
                        if !watchers.is_watched() || !followed.insert(id) {
                            return;
                        }
                    }
                }
            }
            lock(&watchers.followed).remove(&id);
        });
    }
}
