//! Watchers of an endpoint's peers, and the pending changes of each watcher.
//!
//! A watcher queues changed peers, not changes. A slow consumer gets each changed peer once, as a current snapshot. Peers that
//! came and went in between are skipped. So a queue holds at most the tracked peers and the peers already reported to its
//! consumer.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

use crate::{
    error::{Error, Result},
    identity::PublicKey,
    waker_mutex::{Locked, WakerMutex},
};

/// All watchers of an endpoint.
#[derive(Debug)]
pub(crate) struct Watchers {
    queues: Mutex<Vec<Arc<Queue>>>,
    /// Number of watchers; `None` once the endpoint has closed.
    pub(super) count: watch::Sender<Option<usize>>,
    /// Ids of connections whose paths are watched.
    pub(super) followed: Mutex<HashSet<u64>>,
}

impl Default for Watchers {
    fn default() -> Self {
        Self { queues: Mutex::default(), count: watch::Sender::new(Some(0)), followed: Mutex::default() }
    }
}

impl Watchers {
    /// Queues a changed peer for every watcher. Does not block.
    pub(crate) fn changed(&self, peer: &PublicKey) {
        if self.is_watched() {
            for queue in &*lock(&self.queues) {
                queue.push(*peer);
            }
        }
    }

    /// Reports a forgotten peer. Called under the lock of the peer registry.
    pub(crate) fn gone(&self, peer: &PublicKey) {
        if self.is_watched() {
            for queue in &*lock(&self.queues) {
                queue.gone(*peer);
            }
        }
    }

    /// Ends all watches. Pending changes can still be taken; no further ones arrive.
    pub(crate) fn close(&self) {
        let queues = std::mem::take(&mut *lock(&self.queues));
        self.count.send_replace(None);
        for queue in queues {
            queue.close();
        }
    }

    pub(super) fn add(&self, queue: &Arc<Queue>) -> Result<()> {
        let mut queues = lock(&self.queues);
        if self.count.borrow().is_none() {
            return Err(Error::closed());
        }
        queues.push(queue.clone());
        self.count.send_replace(Some(queues.len()));
        Ok(())
    }

    pub(super) fn remove(&self, queue: &Arc<Queue>) {
        let mut queues = lock(&self.queues);
        queues.retain(|other| !Arc::ptr_eq(other, queue));
        self.count.send_if_modified(|count| {
            let left = count.map(|_| queues.len());
            std::mem::replace(count, left) != left
        });
    }

    pub(super) fn is_watched(&self) -> bool {
        is_some_watching(*self.count.borrow())
    }
}

pub(super) fn is_some_watching(count: Option<usize>) -> bool {
    count.is_some_and(|count| count > 0)
}

/// The changed peers that one watcher has yet to yield.
#[derive(Debug, Default)]
pub(super) struct Queue(WakerMutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// Ordered by their first unreported change.
    pub(super) order: BTreeMap<u64, PublicKey>,
    next: u64,
    peers: HashMap<PublicKey, Entry>,
    pub(super) closed: bool,
}

#[derive(Debug, Default)]
struct Entry {
    queued: Option<u64>,
    /// The watcher has yielded it as tracked.
    reported: bool,
}

impl Queue {
    pub(super) fn push(&self, id: PublicKey) {
        let mut state = self.lock();
        state.push(id);
        state.wake();
    }

    /// Reports the end of a peer to a watcher that has reported it. No-op for any other watcher.
    pub(super) fn gone(&self, id: PublicKey) {
        let mut state = self.lock();
        match state.peers.get(&id) {
            Some(entry) if entry.reported => {
                state.push(id);
                state.wake();
            }
            _ => {
                if let Some(Entry { queued: Some(at), .. }) = state.peers.remove(&id) {
                    state.order.remove(&at);
                }
            }
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.wake();
    }

    pub(super) fn lock(&self) -> Locked<'_, State> {
        self.0.lock()
    }
}

impl State {
    pub(super) fn push(&mut self, id: PublicKey) {
        let entry = self.peers.entry(id).or_default();
        if entry.queued.is_none() {
            entry.queued = Some(self.next);
            self.order.insert(self.next, id);
            self.next += 1;
        }
    }

    /// Marks a dequeued peer as reported, or as gone. Returns whether it was reported before.
    pub(super) fn take(&mut self, id: PublicKey, tracked: bool) -> bool {
        if !tracked {
            return self.peers.remove(&id).is_some_and(|entry| entry.reported);
        }
        self.peers.insert(id, Entry { queued: None, reported: true }).is_some_and(|entry| entry.reported)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
        fn a_queue_is_bounded_and_its_reader_ends_up_to_date(steps: Vec<(u8, bool, bool)>) {
            let ids: Vec<PublicKey> = (0..4).map(|_| SecretKey::generate().public()).collect();
            let queue = Queue::default();
            let mut tracked = HashSet::new();
            let mut told = HashSet::new();
            let take = |tracked: &HashSet<PublicKey>, told: &mut HashSet<PublicKey>| {
                let mut state = queue.lock();
                while let Some((_, id)) = state.order.pop_first() {
                    let before = state.take(id, tracked.contains(&id));
                    if tracked.contains(&id) {
                        told.insert(id);
                        return true;
                    }
                    assert_eq!(before, told.remove(&id), "only watchers that saw the peer see its end");
                    if before {
                        return true;
                    }
                }
                false
            };
            for (which, going, reads) in steps {
                let id = ids[usize::from(which) % ids.len()];
                if going && tracked.remove(&id) {
                    queue.gone(id);
                } else {
                    tracked.insert(id);
                    queue.push(id);
                }
                if reads {
                    take(&tracked, &mut told);
                }
                let state = queue.lock();
                let most = tracked.union(&told).count();
                prop_assert!(state.order.len() <= most && state.peers.len() <= most);
            }
            while take(&tracked, &mut told) {}
            prop_assert_eq!(tracked, told);
        }
    }
}
