//! Grants: the permission of each open stream, which a changed policy can revoke.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

use futures_util::task::AtomicWaker;

use crate::config::Subject;

/// The permission of a stream that the peer opened.
#[derive(Debug)]
pub(crate) struct Grant {
    subject: Subject,
    /// Whether the authorizer decides about the stream after the policy.
    pub(crate) asks_authorizer: bool,
    revoked: AtomicBool,
    /// Waiting callers: a reader, a writer, and one that waits for the end of the stream.
    waiting: [AtomicWaker; 3],
}

/// Which waiter of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiter {
    Reader = 0,
    Writer = 1,
    Ended = 2,
}

impl Grant {
    pub(crate) fn new(subject: Subject, asks_authorizer: bool) -> Arc<Self> {
        Arc::new(Self { subject, asks_authorizer, revoked: AtomicBool::new(false), waiting: Default::default() })
    }

    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    /// Revokes it, and wakes the waiting callers of the stream.
    pub(crate) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
        self.waiting.iter().for_each(AtomicWaker::wake);
    }

    /// Has this waker woken by a revocation. Returns whether there was one before.
    pub(crate) fn wake_on_revocation(&self, waiter: Waiter, waker: &Waker) -> bool {
        self.waiting[waiter as usize].register(waker);
        self.is_revoked()
    }
}

/// The grants of one connection, by stream id.
#[derive(Debug, Default)]
pub(super) struct Grants(Mutex<HashMap<u64, Arc<Grant>>>);

impl Grants {
    pub(super) fn insert(&self, stream: u64, grant: Arc<Grant>) {
        self.lock().insert(stream, grant);
    }

    pub(super) fn remove(&self, stream: u64) {
        self.lock().remove(&stream);
    }

    pub(super) fn all(&self) -> Vec<Arc<Grant>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Grant>>> {
        self.0.lock().expect("no panic while held")
    }
}
