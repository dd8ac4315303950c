//! A queue of authorization requests: an [`Authorizer`] for programs that poll for requests, such as the Node.js binding.

use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use super::{AuthorizationRequest, Authorizer};
use crate::{
    error::{Error, Result},
    waker_mutex::{Locked, WakerMutex},
};

/// Takes the authorization requests of an endpoint. Dropping it denies all pending and later ones.
#[derive(Debug)]
pub struct AuthorizationRequests(Arc<RequestQueue>);

impl AuthorizationRequests {
    pub(super) fn new(queue: Arc<RequestQueue>) -> Self {
        Self(queue)
    }

    /// Polls for pending requests: returns at least one and at most `most`, or arms the waker.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint has closed.
    pub fn poll_take(&self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<AuthorizationRequest>>> {
        let mut state = self.0.lock();
        if state.closed {
            return Poll::Ready(Err(Error::closed()));
        }
        let from = state.next_untaken;
        let untaken = state.pending.range_mut(from..).filter_map(|(_, pending)| pending.request.take());
        let taken: Vec<AuthorizationRequest> = untaken.take(most).collect();
        if let Some(last) = taken.last() {
            state.next_untaken = last.number + 1;
            return Poll::Ready(Ok(taken));
        }
        state.wait(cx)
    }

    /// Answers a request. No-op if it is not pending.
    pub fn answer(&self, number: u64, admit: bool) {
        let pending = self.0.lock().pending.remove(&number);
        if let Some(pending) = pending {
            let _ = pending.answer.send(admit);
        }
    }
}

impl Drop for AuthorizationRequests {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Requests that wait for an answer. [`PendingAuthorizations`](super::pending::PendingAuthorizations) bounds their number.
#[derive(Debug, Default)]
pub(super) struct RequestQueue(WakerMutex<State>);

#[derive(Debug, Default)]
struct State {
    pending: BTreeMap<u64, Pending>,
    /// Every request below this number was taken.
    next_untaken: u64,
    closed: bool,
}

#[derive(Debug)]
struct Pending {
    /// `None` once taken.
    request: Option<AuthorizationRequest>,
    answer: oneshot::Sender<bool>,
}

impl RequestQueue {
    /// Denies all pending and later requests.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let pending = std::mem::take(&mut state.pending);
        state.wake();
        drop(pending);
    }

    /// Queues a request. `None` once closed.
    fn push(&self, request: AuthorizationRequest) -> Option<oneshot::Receiver<bool>> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        // Requests that waited for this queue may arrive out of order.
        state.next_untaken = state.next_untaken.min(request.number);
        state.pending.insert(request.number, Pending { request: Some(request), answer });
        state.wake();
        Some(answered)
    }

    fn lock(&self) -> Locked<'_, State> {
        self.0.lock()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().pending.is_empty()
    }
}

impl Authorizer for RequestQueue {
    async fn authorize(&self, request: AuthorizationRequest) -> bool {
        let withdraw = Withdraw { queue: self, number: request.number };
        let Some(answered) = self.push(request) else { return false };
        let admitted = answered.await.unwrap_or(false);
        drop(withdraw);
        admitted
    }
}

/// Removes a request when its future is dropped.
struct Withdraw<'a> {
    queue: &'a RequestQueue,
    number: u64,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        let pending = self.queue.lock().pending.remove(&self.number);
        drop(pending);
    }
}
