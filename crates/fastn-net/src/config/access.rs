//! Access lists.

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::PolicyDecision;
use crate::identity::PublicKey;

/// Peers that may connect and use served protocols. A denied peer may not, even if it is also allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLists {
    /// Allowed peers; `None` allows every peer.
    pub allow: Option<HashSet<PublicKey>>,
    /// Denied peers.
    pub deny: HashSet<PublicKey>,
}

/// The list or policy that decides about a stream of a peer. See [`Endpoint::explain`](crate::Endpoint::explain).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessDecision {
    /// [`AccessLists::deny`] has the peer.
    DenyList,
    /// [`AccessLists::allow`] lacks the peer.
    AllowList,
    /// The lists admit the peer, and the policy decides.
    Policy(PolicyDecision),
    /// The lists admit the peer, and there is no policy. The [`Authorizer`](crate::Authorizer) decides, if there is one.
    NoPolicy,
}

impl AccessLists {
    /// Whether the lists admit this peer.
    #[must_use]
    pub fn admits(&self, peer: &PublicKey) -> bool {
        self.exclusion(peer).is_none()
    }

    /// The list that excludes this peer.
    fn exclusion(&self, peer: &PublicKey) -> Option<AccessDecision> {
        if self.deny.contains(peer) {
            return Some(AccessDecision::DenyList);
        }
        let is_missing = self.allow.as_ref().is_some_and(|allow| !allow.contains(peer));
        is_missing.then_some(AccessDecision::AllowList)
    }

    /// Removes a peer from the denied ones. Adds it to the allowed ones, if there is such a list.
    pub fn allow(&mut self, peer: PublicKey) {
        self.deny.remove(&peer);
        if let Some(allow) = &mut self.allow {
            allow.insert(peer);
        }
    }

    /// Denies a peer.
    pub fn deny(&mut self, peer: PublicKey) {
        self.deny.insert(peer);
    }
}

/// The lists before and after a change.
#[derive(Debug)]
pub(crate) struct AccessChange {
    before: AccessLists,
    now: AccessLists,
}

impl AccessChange {
    /// Whether a peer lost access: the lists admitted it before, or deny it only now.
    pub(crate) fn excludes(&self, peer: &PublicKey) -> bool {
        let is_newly_denied = self.now.deny.contains(peer) && !self.before.deny.contains(peer);
        is_newly_denied || (self.before.admits(peer) && !self.now.admits(peer))
    }
}

/// The access lists of a running endpoint, and its authorization epoch.
#[derive(Debug)]
pub(crate) struct Access {
    lists: Mutex<AccessLists>,
    /// Whether both lists are unused, so that no lookup is needed.
    is_open: AtomicBool,
    /// Counts the calls of [`Endpoint::reauthorize`](crate::Endpoint::reauthorize): answers of an earlier epoch are void.
    epoch: AtomicU64,
}

impl Access {
    pub(crate) fn new(lists: AccessLists) -> Self {
        let is_open = AtomicBool::new(lists == AccessLists::default());
        Self { lists: Mutex::new(lists), is_open, epoch: AtomicU64::new(0) }
    }

    pub(crate) fn admits(&self, peer: &PublicKey) -> bool {
        self.is_open.load(Ordering::Acquire) || self.lock().admits(peer)
    }

    /// The list that excludes this peer.
    pub(crate) fn exclusion(&self, peer: &PublicKey) -> Option<AccessDecision> {
        self.lock().exclusion(peer)
    }

    pub(crate) fn lists(&self) -> AccessLists {
        self.lock().clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut AccessLists)) -> AccessChange {
        let mut lists = self.lock();
        let before = lists.clone();
        change(&mut lists);
        self.is_open.store(*lists == AccessLists::default(), Ordering::Release);
        AccessChange { before, now: lists.clone() }
    }

    /// The current authorization epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn begin_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn lock(&self) -> MutexGuard<'_, AccessLists> {
        self.lists.lock().expect("no panic while held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SecretKey;

    #[test]
    fn without_lists_every_peer_is_admitted() {
        assert!(Access::new(AccessLists::default()).admits(&SecretKey::generate().public()));
    }

    #[test]
    fn an_allow_list_excludes_all_other_peers_and_deny_wins() {
        let [friend, stranger, foe] = [(); 3].map(|()| SecretKey::generate().public());
        let access = Access::new(AccessLists { allow: Some(HashSet::from([friend, foe])), deny: HashSet::from([foe]) });
        assert_eq!([friend, stranger, foe].map(|peer| access.admits(&peer)), [true, false, false]);
        access.change(|lists| lists.allow(foe));
        access.change(|lists| lists.deny(friend));
        assert_eq!([friend, stranger, foe].map(|peer| access.admits(&peer)), [false, false, true]);
        access.change(|lists| *lists = AccessLists::default());
        assert_eq!([friend, stranger, foe].map(|peer| access.admits(&peer)), [true; 3]);
    }

    #[test]
    fn an_empty_allow_list_admits_no_peer() {
        let access = Access::new(AccessLists { allow: Some(HashSet::new()), deny: HashSet::new() });
        assert!(!access.admits(&SecretKey::generate().public()));
    }

    #[test]
    fn allowing_a_peer_on_an_open_endpoint_denies_no_other() {
        let access = Access::new(AccessLists::default());
        access.change(|lists| lists.allow(SecretKey::generate().public()));
        assert!(access.admits(&SecretKey::generate().public()));
    }
}
