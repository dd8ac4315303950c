//! Pending authorization requests: bounded in number and in time, whatever the authorizer does.

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
    protocol::Protocol,
    target,
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
            error!(target: target::ENDPOINT, %peer, "the authorizer panicked, which denies the request");
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

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use super::{
        IfFull::{Refuse, Wait},
        *,
    };
    use crate::identity::SecretKey;

    const RULES: Authorize = Authorize {
        peer: true,
        stream: true,
        timeout: Duration::from_secs(5),
        max_pending: 3,
        max_pending_per_peer: 2,
    };

    fn key() -> PublicKey {
        SecretKey::generate().public()
    }

    fn take(requests: &AuthorizationRequests) -> Vec<AuthorizationRequest> {
        match requests.poll_take(&mut Context::from_waker(Waker::noop()), 9) {
            Poll::Ready(taken) => taken.expect("open"),
            Poll::Pending => Vec::new(),
        }
    }

    async fn begun<F: Future<Output = Verdict>>(request: F) -> std::pin::Pin<Box<F>> {
        let mut request = Box::pin(request);
        assert!(poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx))).await.is_pending());
        request
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_gets_its_own_answer() {
        let pending = PendingAuthorizations::new(RULES);
        let requests = pending.requests().expect("first");
        assert!(pending.requests().is_err());
        let (one, other) = (key(), key());
        let first = begun(pending.request(one, None, Refuse)).await;
        let second = begun(pending.request(other, Some(&Protocol::Http), Refuse)).await;
        let taken = take(&requests);
        let about: Vec<_> = taken.iter().map(|request| (request.peer, request.protocol.clone())).collect();
        assert_eq!(about, [(one, None), (other, Some(Protocol::Http))]);
        assert_eq!(take(&requests), []);
        requests.answer(taken[1].number, true);
        requests.answer(taken[1].number, false);
        requests.answer(taken[0].number, false);
        requests.answer(77, true);
        assert_eq!((first.await, second.await), (Verdict::Denied, Verdict::Admitted));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_times_out_and_is_forgotten() {
        let pending = PendingAuthorizations::new(RULES);
        assert_eq!(pending.request(key(), None, Refuse).await, Verdict::TimedOut);
        let requests = pending.requests().expect("first");
        assert_eq!(take(&requests), []);
        drop(begun(pending.request(key(), None, Refuse)).await);
        assert_eq!(take(&requests), []);
        assert!(pending.queue.is_empty() && pending.lock().total == 0 && pending.lock().per_peer.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_came_before_the_authorizer_is_answered_by_it() {
        let pending = PendingAuthorizations::new(RULES);
        let early = begun(pending.request(key(), None, Refuse)).await;
        pending.set_authorizer(async |_| true).expect("first");
        assert!(pending.set_authorizer(async |_| false).is_err());
        assert_eq!(early.await, Verdict::Admitted);
    }

    #[tokio::test(start_paused = true)]
    async fn pending_requests_are_bounded_in_total_and_per_peer() {
        let pending = PendingAuthorizations::new(RULES);
        let (greedy, other) = (key(), key());
        let held =
            [begun(pending.request(greedy, None, Refuse)).await, begun(pending.request(greedy, None, Refuse)).await];
        assert_eq!(pending.request(greedy, None, Refuse).await, Verdict::Busy);
        let third = begun(pending.request(other, None, Refuse)).await;
        assert_eq!(pending.request(key(), None, Refuse).await, Verdict::Busy);
        drop(held);
        drop(third);
        drop(begun(pending.request(greedy, None, Refuse)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_can_wait_for_a_slot_as_long_as_for_an_answer() {
        let pending = PendingAuthorizations::new(RULES);
        let requests = pending.requests().expect("first");
        let greedy = key();
        let held =
            [begun(pending.request(greedy, None, Refuse)).await, begun(pending.request(greedy, None, Refuse)).await];
        let waiting = begun(pending.request(greedy, Some(&Protocol::Http), Wait)).await;
        assert_eq!(take(&requests).len(), 2);
        drop(held);
        let (verdict, ()) = tokio::join!(waiting, async {
            tokio::task::yield_now().await;
            let taken = take(&requests);
            assert_eq!(taken[0].protocol, Some(Protocol::Http));
            requests.answer(taken[0].number, true);
        });
        assert_eq!(verdict, Verdict::Admitted);
        let rules = Authorize { max_pending: 0, ..RULES };
        assert_eq!(PendingAuthorizations::new(rules).request(greedy, None, Wait).await, Verdict::Busy);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_queue_or_closing_denies_all_requests_at_once() {
        let pending = PendingAuthorizations::new(RULES);
        let requests = pending.requests().expect("first");
        let open = begun(pending.request(key(), None, Refuse)).await;
        drop(requests);
        assert_eq!(open.await, Verdict::Denied);
        assert_eq!(pending.request(key(), None, Refuse).await, Verdict::Denied);
        let pending = PendingAuthorizations::new(RULES);
        let open = begun(pending.request(key(), None, Refuse)).await;
        pending.close();
        assert_eq!(open.await, Verdict::Denied);
        assert_eq!(pending.request(key(), None, Refuse).await, Verdict::Denied);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panicking_or_endless_authorizer_denies_its_own_request_only() {
        let pending = PendingAuthorizations::new(RULES);
        let (bad, silent, good) = (key(), key(), key());
        let authorizer = move |request: AuthorizationRequest| {
            assert!(request.peer != bad, "as a test asked for");
            async move {
                if request.peer == silent {
                    std::future::pending::<()>().await;
                }
                true
            }
        };
        pending.set_authorizer(authorizer).expect("first");
        let verdicts = tokio::join!(
            pending.request(bad, None, Refuse),
            pending.request(silent, None, Refuse),
            pending.request(good, None, Refuse)
        );
        assert_eq!(verdicts, (Verdict::Denied, Verdict::TimedOut, Verdict::Admitted));
        assert_eq!(pending.lock().total, 0);
    }
}
