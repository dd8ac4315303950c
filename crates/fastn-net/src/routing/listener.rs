//! Takes the streams of some protocols.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    IncomingStream, Router,
    queue::{QueueState, StreamQueue},
};
use crate::error::Result;

/// Takes the streams of some protocols. Dropping it frees the protocols and refuses the queued streams.
#[derive(Debug)]
pub struct Listener {
    queue: Arc<StreamQueue>,
    router: Arc<Router>,
}

impl Listener {
    pub(super) fn new(queue: Arc<StreamQueue>, router: Arc<Router>) -> Self {
        Self { queue, router }
    }

    #[cfg(test)]
    pub(super) fn queue(&self) -> &Arc<StreamQueue> {
        &self.queue
    }

    /// Polls for queued streams: returns at least one and at most `most`, or arms the waker. A new stream wakes every task that
    /// polls.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once no further stream can come: the endpoint drains or has closed, or the listener's connection has ended.
    pub fn poll_accept(&self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<IncomingStream>>> {
        self.queue.poll_take(cx, most)
    }

    /// Waits for the next stream. Several tasks may wait: each stream wakes one of them, in turn. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`Listener::poll_accept`].
    pub async fn accept(&self) -> Result<IncomingStream> {
        self.queue.accept().await
    }

    /// Puts unused streams back to the front of the queue, in their order. The listener hands them out again, or refuses them
    /// when it is dropped.
    pub fn put_back(&self, streams: Vec<IncomingStream>) {
        self.queue.put_back(streams);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.router.remove(&self.queue);
        self.queue.close(QueueState::Closed);
    }
}
