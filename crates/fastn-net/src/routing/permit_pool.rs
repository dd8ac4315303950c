//! Bounded permits of a listener's queue, and the streams that wait for one.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::oneshot;

use crate::identity::PublicKey;

/// Limits of a listener's queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    /// Streams of all peers.
    pub(crate) total: usize,
    /// Streams of one peer.
    pub(crate) per_peer: usize,
}

/// Receives the permit of a waiting stream.
pub(super) type PermitWaiter<T> = oneshot::Sender<T>;

/// Counts permits, and queues waiters: first in, first out within a peer, round-robin between peers.
///
/// A released permit goes straight to a waiter whose peer is below its limit, so no stream waits while a permit is free for it.
#[derive(Debug)]
pub(super) struct PermitPool<T> {
    limits: QueueLimits,
    taken: usize,
    per_peer: HashMap<PublicKey, usize>,
    waiters: HashMap<PublicKey, BTreeMap<u64, PermitWaiter<T>>>,
    /// Peers with waiters, each once. At most `total / per_peer` of them are at their own limit.
    turns: VecDeque<PublicKey>,
    next: u64,
}

impl<T> PermitPool<T> {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { limits, taken: 0, per_peer: HashMap::new(), waiters: HashMap::new(), turns: VecDeque::new(), next: 0 }
    }

    pub(super) fn is_unused(&self) -> bool {
        self.taken == 0
    }

    /// Takes a permit. Returns false if none is free for this peer.
    pub(super) fn try_acquire(&mut self, peer: PublicKey) -> bool {
        let is_free = self.is_free_for(&peer);
        if is_free {
            self.acquire_over_limit(peer);
        }
        is_free
    }

    /// Takes a permit regardless of the limits, for a stream that had one before.
    pub(super) fn acquire_over_limit(&mut self, peer: PublicKey) {
        self.taken += 1;
        *self.per_peer.entry(peer).or_default() += 1;
    }

    /// Releases a permit. Returns the waiter that owns it from now on: grant it outside the lock.
    #[must_use = "the permit is taken on behalf of the waiter"]
    pub(super) fn release(&mut self, peer: PublicKey) -> Option<(PublicKey, PermitWaiter<T>)> {
        self.taken -= 1;
        if let Some(count) = self.per_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&peer);
            }
        }
        let at = self.turns.iter().position(|peer| self.is_free_for(peer))?;
        let peer = self.turns.remove(at)?;
        let waiters = self.waiters.get_mut(&peer)?;
        let waiter = waiters.pop_first().map(|(_, waiter)| waiter);
        if waiters.is_empty() {
            self.waiters.remove(&peer);
        } else {
            self.turns.push_back(peer);
        }
        let waiter = waiter?;
        self.try_acquire(peer).then_some((peer, waiter))
    }

    /// Adds a waiter. Returns its number for [`PermitPool::remove_waiter`].
    pub(super) fn add_waiter(&mut self, peer: PublicKey, waiter: PermitWaiter<T>) -> u64 {
        let number = self.next;
        self.next += 1;
        let waiters = self.waiters.entry(peer).or_default();
        if waiters.is_empty() {
            self.turns.push_back(peer);
        }
        waiters.insert(number, waiter);
        number
    }

    pub(super) fn remove_waiter(&mut self, peer: PublicKey, number: u64) -> Option<PermitWaiter<T>> {
        let waiters = self.waiters.get_mut(&peer)?;
        let waiter = waiters.remove(&number);
        if waiters.is_empty() {
            self.waiters.remove(&peer);
            self.turns.retain(|other| *other != peer);
        }
        waiter
    }

    /// Removes all waiters. Dropping them ends their wait.
    #[must_use = "must be dropped outside the lock"]
    pub(super) fn remove_waiters(&mut self) -> HashMap<PublicKey, BTreeMap<u64, PermitWaiter<T>>> {
        self.turns.clear();
        std::mem::take(&mut self.waiters)
    }

    fn is_free_for(&self, peer: &PublicKey) -> bool {
        let of_peer = self.per_peer.get(peer).copied().unwrap_or(0);
        self.taken < self.limits.total && of_peer < self.limits.per_peer
    }
}
