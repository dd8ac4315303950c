//! The room in a listener's queue, and the streams that wait for some of it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::oneshot;

use crate::identity::PublicKey;

/// How many streams may wait for a listener: all together, and of one peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    pub(crate) all: usize,
    pub(crate) of_one_peer: usize,
}

/// Gives a place to a stream that waits for one.
pub(super) type Applicant<T> = oneshot::Sender<T>;

/// Reserved places, and the streams that wait for one, oldest first within a peer. Peers take turns.
///
/// A free place goes straight to a stream that may have it, so that no stream waits while there is room for it.
#[derive(Debug)]
pub(super) struct Room<T> {
    places: QueueLimits,
    taken: usize,
    of_peer: HashMap<PublicKey, usize>,
    applicants: HashMap<PublicKey, BTreeMap<u64, Applicant<T>>>,
    /// Each peer with applicants, once. At most `all / of_one_peer` of them have used up their share.
    turns: VecDeque<PublicKey>,
    next: u64,
}

impl<T> Room<T> {
    pub(super) fn new(places: QueueLimits) -> Self {
        Self { places, taken: 0, of_peer: HashMap::new(), applicants: HashMap::new(), turns: VecDeque::new(), next: 0 }
    }

    pub(super) fn is_unused(&self) -> bool {
        self.taken == 0
    }

    /// Takes a place; false when there is none for this peer.
    pub(super) fn take(&mut self, peer: PublicKey) -> bool {
        let is_free = self.has_room(&peer);
        if is_free {
            self.take_back(peer);
        }
        is_free
    }

    /// Takes the place of a stream that had one before, whether there is room or not.
    pub(super) fn take_back(&mut self, peer: PublicKey) {
        self.taken += 1;
        *self.of_peer.entry(peer).or_default() += 1;
    }

    /// Frees a place. Returns the stream that has it from now on: send it the place without the lock.
    #[must_use = "the place is taken on behalf of the applicant"]
    pub(super) fn give_back(&mut self, peer: PublicKey) -> Option<(PublicKey, Applicant<T>)> {
        self.taken -= 1;
        if let Some(count) = self.of_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&peer);
            }
        }
        let at = self.turns.iter().position(|peer| self.has_room(peer))?;
        let peer = self.turns.remove(at)?;
        let applicants = self.applicants.get_mut(&peer)?;
        let applicant = applicants.pop_first().map(|(_, applicant)| applicant);
        if applicants.is_empty() {
            self.applicants.remove(&peer);
        } else {
            self.turns.push_back(peer);
        }
        let applicant = applicant?;
        self.take(peer).then_some((peer, applicant))
    }

    /// Waits for a place. Returns the number to withdraw with.
    pub(super) fn apply(&mut self, peer: PublicKey, applicant: Applicant<T>) -> u64 {
        let number = self.next;
        self.next += 1;
        let applicants = self.applicants.entry(peer).or_default();
        if applicants.is_empty() {
            self.turns.push_back(peer);
        }
        applicants.insert(number, applicant);
        number
    }

    pub(super) fn withdraw(&mut self, peer: PublicKey, number: u64) -> Option<Applicant<T>> {
        let applicants = self.applicants.get_mut(&peer)?;
        let applicant = applicants.remove(&number);
        if applicants.is_empty() {
            self.applicants.remove(&peer);
            self.turns.retain(|other| *other != peer);
        }
        applicant
    }

    /// Nothing new is served: dropping the applicants tells them.
    #[must_use = "dropped without the lock"]
    pub(super) fn turn_away(&mut self) -> HashMap<PublicKey, BTreeMap<u64, Applicant<T>>> {
        self.turns.clear();
        std::mem::take(&mut self.applicants)
    }

    fn has_room(&self, peer: &PublicKey) -> bool {
        let of_peer = self.of_peer.get(peer).copied().unwrap_or(0);
        self.taken < self.places.all && of_peer < self.places.of_one_peer
    }
}
