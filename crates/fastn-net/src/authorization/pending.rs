//! Pending authorization requests. Their number and time are bounded here, not by the authorizer.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    AuthorizationRequest, AuthorizationRequests, Authorizer, authorizer::DynAuthorizer, requests::RequestQueue,
};
use crate::{
    config::Authorize,
    error::{Code, Error, Result},
    identity::PublicKey,
    log_target,
    protocol::Protocol,
};

/// Outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted,
    Denied,
    /// No answer within the time limit.
    TimedOut,
    /// Too many requests were pending: the authorizer was not asked.
    Busy,
}

/// Policy for a request beyond the limit of pending ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfFull {
    /// Ends as [`Verdict::Busy`].
    Refuse,
    /// Waits for a free slot, at most as long as for an answer.
    Wait,
}

/// The pending requests of an endpoint, and its authorizer.
pub(crate) struct PendingAuthorizations {
    rules: Authorize,
    counts: Mutex<Counts>,
    /// Notified when a request ends.
    released: Notify,
    /// Set once. Requests wait for it, within their time limit.
    authorizer: OnceLock<Arc<dyn DynAuthorizer>>,
    installed: Notify,
    /// The authorizer of [`PendingAuthorizations::requests`].
    queue: Arc<RequestQueue>,
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    per_peer: HashMap<PublicKey, usize>,
    next: u64,
}

impl PendingAuthorizations {
    pub(crate) fn new(rules: Authorize) -> Arc<Self> {
        Arc::new(Self {
            rules,
            counts: Mutex::default(),
            released: Notify::new(),
            authorizer: OnceLock::new(),
            installed: Notify::new(),
            queue: Arc::default(),
            closed: CancellationToken::new(),
        })
    }

    pub(crate) fn rules(&self) -> &Authorize {
        &self.rules
    }

    /// Installs the queue as the authorizer.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` if there is an authorizer already.
    pub(crate) fn requests(&self) -> Result<AuthorizationRequests> {
        self.install(self.queue.clone())?;
        Ok(AuthorizationRequests::new(self.queue.clone()))
    }

    /// Installs an authorizer.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` if there is one already.
    pub(crate) fn set_authorizer(&self, authorizer: impl Authorizer) -> Result<()> {
        self.install(Arc::new(authorizer))
    }

    fn install(&self, authorizer: Arc<dyn DynAuthorizer>) -> Result<()> {
        let taken =
            |_| Error::new(Code::InvalidArgument, "this endpoint has an authorizer already: an endpoint has one");
        self.authorizer.set(authorizer).map_err(taken)?;
        self.installed.notify_waiters();
        Ok(())
    }

    /// Requests authorization, and waits for the answer. Cancel-safe: dropping the future withdraws the request.
    pub(crate) async fn request(&self, peer: PublicKey, protocol: Option<&Protocol>, if_full: IfFull) -> Verdict {
        let slot = match (self.try_reserve(peer), if_full) {
            (None, IfFull::Wait) => self.reserve(peer).await,
            (slot, _) => slot,
        };
        let Some(slot) = slot else { return Verdict::Busy };
        let request = AuthorizationRequest { number: slot.number, peer, protocol: protocol.cloned() };
        let answered = self.closed.run_until_cancelled(self.answer(request));
        let answer = tokio::time::timeout(self.rules.timeout, answered).await;
        drop(slot);
        match answer {
            Ok(Some(true)) => Verdict::Admitted,
            Ok(_) => Verdict::Denied,
            Err(_) => Verdict::TimedOut,
        }
    }

    /// Denies all pending and later requests.
    pub(crate) fn close(&self) {
        self.closed.cancel();
        self.queue.close();
    }

    async fn answer(&self, request: AuthorizationRequest) -> bool {
        let authorizer = self.authorizer().await;
        let peer = request.peer;
        let answer = AssertUnwindSafe(async { authorizer.authorize(request).await });
        answer.catch_unwind().await.unwrap_or_else(|_| {
            error!(target: log_target::ENDPOINT, %peer, "the authorizer panicked, which denies the request");
            false
        })
    }

    async fn authorizer(&self) -> Arc<dyn DynAuthorizer> {
        loop {
            let installed = self.installed.notified();
            if let Some(authorizer) = self.authorizer.get() {
                return authorizer.clone();
            }
            installed.await;
        }
    }

    /// Waits for a free slot, at most the time limit of an answer.
    async fn reserve(&self, peer: PublicKey) -> Option<Slot<'_>> {
        let reserved = async {
            loop {
                let released = self.released.notified();
                if let Some(slot) = self.try_reserve(peer) {
                    return slot;
                }
                released.await;
            }
        };
        tokio::time::timeout(self.rules.timeout, reserved).await.ok()
    }

    fn try_reserve(&self, peer: PublicKey) -> Option<Slot<'_>> {
        let mut counts = self.lock();
        let of_peer = counts.per_peer.get(&peer).copied().unwrap_or(0);
        if counts.total >= self.rules.max_pending || of_peer >= self.rules.max_pending_per_peer {
            return None;
        }
        counts.total += 1;
        counts.per_peer.insert(peer, of_peer + 1);
        let number = counts.next;
        counts.next += 1;
        Some(Slot { pending: self, peer, number })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("no panic while held")
    }
}

impl fmt::Debug for PendingAuthorizations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorizations")
            .field("rules", &self.rules)
            .field("counts", &*self.lock())
            .finish_non_exhaustive()
    }
}

/// Counts one pending request until dropped.
struct Slot<'a> {
    pending: &'a PendingAuthorizations,
    peer: PublicKey,
    number: u64,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut counts = self.pending.lock();
        counts.total -= 1;
        if let Some(of_peer) = counts.per_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                counts.per_peer.remove(&self.peer);
            }
        }
        drop(counts);
        self.pending.released.notify_waiters();
    }
}
