//! How it stands with the peers of an endpoint, now and whenever it changes.
//!
//! A watcher has no list of changes but a list of peers that have changed: whoever reads slowly gets each of them once, as it
//! is by then. Peers that came and went in between are not told. So a queue is never longer than the peers that are known
//! now and those that its reader was told of.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
};

use futures_util::StreamExt;
use tokio::sync::watch;

use super::EndpointInner;
use crate::{
    connection::Connection,
    error::{Error, Result},
    identity::PublicKey,
    peer::{Peer, PeerStatus},
    wakers::Wakers,
};

/// How it stands with a peer.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// Who.
    pub id: PublicKey,
    /// False once the endpoint has let the peer go: nothing is known of it any more.
    pub known: bool,
    /// What its actor says.
    pub status: PeerStatus,
    /// Those that live, the one that new streams go over first.
    pub connections: Vec<Connection>,
    /// There is one that new streams go over.
    pub preferred: bool,
}

/// Tells which peers have changed. Dropping it ends that.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<EndpointInner>,
    queue: Arc<Queue>,
}

impl Watch {
    /// A peer that has changed since it was told last, as it is now; first of all each peer that is known. Else the waker is
    /// armed. A peer whose actor was let go is told once more, as not known.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint has closed and all was told.
    pub fn poll_change(&self, cx: &mut Context<'_>) -> Poll<Result<PeerInfo>> {
        // Held while the queue is: a peer that is let go is let go before this, or after.
        let peers = self.shared.peers();
        let mut queue = self.queue.lock();
        while let Some((_, id)) = queue.order.pop_first() {
            let peer = peers.get(&id).cloned();
            let told = queue.take(id, peer.is_some());
            match peer {
                Some(peer) => {
                    drop((queue, peers));
                    return Poll::Ready(Ok(PeerInfo::of(&peer)));
                }
                None if told => return Poll::Ready(Ok(PeerInfo::gone(id))),
                None => {}
            }
        }
        if queue.closed {
            return Poll::Ready(Err(Error::closed()));
        }
        let evicted = queue.wakers.register(cx.waker());
        drop((queue, peers));
        if let Some(evicted) = evicted {
            evicted.wake();
        }
        Poll::Pending
    }

    /// The same, waited for. Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`Watch::poll_change`].
    pub async fn changed(&self) -> Result<PeerInfo> {
        poll_fn(|cx| self.poll_change(cx)).await
    }

    /// Peers that have changed and were not told yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.lock().order.len()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.watchers.remove(&self.queue);
    }
}

impl PeerInfo {
    pub(crate) fn of(peer: &Peer) -> Self {
        let preferred = peer.connection().map(|connection| connection.id());
        let mut connections = peer.connections();
        connections.sort_by_key(|connection| (Some(connection.id()) != preferred, connection.id()));
        let status = peer.status();
        Self { id: peer.id(), known: true, status, connections, preferred: preferred.is_some() }
    }

    fn gone(id: PublicKey) -> Self {
        Self { id, known: false, status: PeerStatus::default(), connections: Vec::new(), preferred: false }
    }
}

/// Who is told what changes.
#[derive(Debug)]
pub(crate) struct Watchers {
    queues: Mutex<Vec<Arc<Queue>>>,
    /// How many there are; `None` once the endpoint has closed.
    count: watch::Sender<Option<usize>>,
    /// Connections whose paths are followed.
    followed: Mutex<HashSet<u64>>,
}

impl Default for Watchers {
    fn default() -> Self {
        Self { queues: Mutex::default(), count: watch::Sender::new(Some(0)), followed: Mutex::default() }
    }
}

impl Watchers {
    /// Something changed about a peer. Must not wait.
    pub(crate) fn changed(&self, peer: &PublicKey) {
        if self.is_watched() {
            for queue in &*lock(&self.queues) {
                queue.push(*peer);
            }
        }
    }

    /// A peer is let go; called under the lock of the table of peers.
    pub(crate) fn gone(&self, peer: &PublicKey) {
        if self.is_watched() {
            for queue in &*lock(&self.queues) {
                queue.gone(*peer);
            }
        }
    }

    /// What is still to be told can be taken, nothing comes any more.
    pub(crate) fn close(&self) {
        let queues = std::mem::take(&mut *lock(&self.queues));
        self.count.send_replace(None);
        for queue in queues {
            queue.close();
        }
    }

    fn add(&self, queue: &Arc<Queue>) -> Result<()> {
        let mut queues = lock(&self.queues);
        if self.count.borrow().is_none() {
            return Err(Error::closed());
        }
        queues.push(queue.clone());
        self.count.send_replace(Some(queues.len()));
        Ok(())
    }

    fn remove(&self, queue: &Arc<Queue>) {
        let mut queues = lock(&self.queues);
        queues.retain(|other| !Arc::ptr_eq(other, queue));
        self.count.send_if_modified(|count| {
            let left = count.map(|_| queues.len());
            std::mem::replace(count, left) != left
        });
    }

    fn is_watched(&self) -> bool {
        is_some_watching(*self.count.borrow())
    }
}

impl EndpointInner {
    /// How it stands with every peer, by their keys.
    pub(crate) fn peer_infos(&self) -> Vec<PeerInfo> {
        let mut peers: Vec<Arc<Peer>> = self.peers().values().cloned().collect();
        peers.sort_by_key(|peer| peer.id());
        peers.iter().map(|peer| PeerInfo::of(peer)).collect()
    }

    pub(crate) fn watch(self: &Arc<Self>) -> Result<Watch> {
        let queue = Arc::default();
        {
            let peers = self.peers();
            self.watchers.add(&queue)?;
            for id in peers.keys() {
                queue.push(*id);
            }
        }
        let watch = Watch { shared: self.clone(), queue };
        let live: Vec<Connection> = self.connections().values().cloned().collect();
        for connection in &live {
            self.follow_paths(connection);
        }
        Ok(watch)
    }

    /// While somebody watches, a path that opens, closes or is selected is a change of the peer.
    pub(crate) fn follow_paths(self: &Arc<Self>, connection: &Connection) {
        let id = connection.id();
        if !self.watchers.is_watched() || !lock(&self.watchers.followed).insert(id) {
            return;
        }
        let (shared, connection) = (self.clone(), connection.clone());
        self.spawn(async move {
            let mut count = shared.watchers.count.subscribe();
            let mut events = connection.path_events();
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(_) => shared.changed(&connection.remote()),
                        None => break,
                    },
                    _ = connection.closed() => break,
                    _ = count.wait_for(|count| !is_some_watching(*count)) => {
                        let mut followed = lock(&shared.watchers.followed);
                        followed.remove(&id);
                        // Somebody may have begun to watch since, and have found it followed.
                        if !shared.watchers.is_watched() || !followed.insert(id) {
                            return;
                        }
                    }
                }
            }
            lock(&shared.watchers.followed).remove(&id);
        });
    }
}

fn is_some_watching(count: Option<usize>) -> bool {
    count.is_some_and(|count| count > 0)
}

/// The peers that one watcher is still to be told of.
#[derive(Debug, Default)]
struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In the order of their first change that was not told.
    order: BTreeMap<u64, PublicKey>,
    next: u64,
    peers: HashMap<PublicKey, Entry>,
    wakers: Wakers,
    closed: bool,
}

#[derive(Debug, Default)]
struct Entry {
    queued: Option<u64>,
    /// The reader was told that it is known.
    told: bool,
}

impl Queue {
    fn push(&self, id: PublicKey) {
        let mut state = self.lock();
        state.push(id);
        wake(state);
    }

    /// Whoever was told of the peer is told that it is gone; others need not know that it was there.
    fn gone(&self, id: PublicKey) {
        let mut state = self.lock();
        match state.peers.get(&id) {
            Some(entry) if entry.told => {
                state.push(id);
                wake(state);
            }
            _ => {
                if let Some(Entry { queued: Some(at), .. }) = state.peers.remove(&id) {
                    state.order.remove(&at);
                }
            }
        }
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        wake(state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    fn push(&mut self, id: PublicKey) {
        let entry = self.peers.entry(id).or_default();
        if entry.queued.is_none() {
            entry.queued = Some(self.next);
            self.order.insert(self.next, id);
            self.next += 1;
        }
    }

    /// A peer that has left the order: it is told as it is. Whether it was told before.
    fn take(&mut self, id: PublicKey, known: bool) -> bool {
        if !known {
            return self.peers.remove(&id).is_some_and(|entry| entry.told);
        }
        self.peers.insert(id, Entry { queued: None, told: true }).is_some_and(|entry| entry.told)
    }
}

/// Not under the lock: whoever is woken may poll at once.
fn wake(mut state: MutexGuard<'_, State>) {
    let wakers = state.wakers.take();
    drop(state);
    wakers.wake();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while held")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::SecretKey;

    proptest! {
        /// Peers come, change and go in any order, and the reader takes one now and then.
        #[test]
        fn a_queue_is_bounded_and_its_reader_ends_up_right(steps: Vec<(u8, bool, bool)>) {
            let ids: Vec<PublicKey> = (0..4).map(|_| SecretKey::generate().public()).collect();
            let queue = Queue::default();
            let mut known = HashSet::new();
            let mut told = HashSet::new();
            let take = |known: &HashSet<PublicKey>, told: &mut HashSet<PublicKey>| {
                let mut state = queue.lock();
                while let Some((_, id)) = state.order.pop_first() {
                    let before = state.take(id, known.contains(&id));
                    if known.contains(&id) {
                        told.insert(id);
                        return true;
                    }
                    assert_eq!(before, told.remove(&id), "who was told is told the end, and nobody else");
                    if before {
                        return true;
                    }
                }
                false
            };
            for (which, going, reads) in steps {
                let id = ids[usize::from(which) % ids.len()];
                if going && known.remove(&id) {
                    queue.gone(id);
                } else {
                    known.insert(id);
                    queue.push(id);
                }
                if reads {
                    take(&known, &mut told);
                }
                let state = queue.lock();
                let most = known.union(&told).count();
                prop_assert!(state.order.len() <= most && state.peers.len() <= most);
            }
            while take(&known, &mut told) {}
            prop_assert_eq!(known, told);
        }
    }
}
