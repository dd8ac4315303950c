//! Permits of a listener's queue.

use std::sync::Arc;

use super::{IncomingStream, queue::StreamQueue};
use crate::{identity::PublicKey, protocol::Protocol};

/// A permit to enter a queue, acquired before the stream is acknowledged. Released when dropped.
#[derive(Debug)]
pub(crate) struct QueuePermit {
    queue: Arc<StreamQueue>,
    peer: PublicKey,
    used: bool,
}

impl QueuePermit {
    pub(super) fn new(queue: Arc<StreamQueue>, peer: PublicKey) -> Self {
        Self { queue, peer, used: false }
    }

    pub(crate) fn queue(&self) -> Arc<StreamQueue> {
        self.queue.clone()
    }

    /// The protocol of the stream with this permit.
    pub(crate) fn protocol(&self, incoming: &IncomingStream) -> Option<Protocol> {
        self.queue.protocol(incoming).cloned()
    }

    /// Queues a stream that was admitted in authorization epoch `epoch`. Returns it with its permit if the epoch is over. Refuses
    /// it if the queue hands out no more streams, or if its peer or the stream has been denied.
    #[must_use = "a returned stream must be authorized again"]
    pub(crate) fn enqueue(mut self, mut incoming: IncomingStream, epoch: u64) -> Option<(Self, IncomingStream)> {
        let mut inner = self.queue.lock();
        let is_admitted = self.queue.check(&mut incoming);
        let hands_out = || if self.queue.hands_out(inner.state) { Ok(()) } else { Err(inner.state.refusal()) };
        if let Err(refusal) = is_admitted.and_then(|()| hands_out()) {
            drop(inner);
            incoming.refuse(&refusal);
            return None;
        }
        if self.queue.authorization.epoch() != epoch {
            drop(inner);
            return Some((self, incoming));
        }
        self.used = true;
        inner.streams.push_back(incoming);
        inner.wake();
        self.queue.waiters.notify();
        None
    }
}

impl Drop for QueuePermit {
    fn drop(&mut self) {
        if self.used {
            return;
        }
        let mut inner = self.queue.lock();
        let granted = inner.permits.release(self.peer);
        // This may have been the last permit of a draining queue.
        let has_ended = inner.has_ended();
        drop(inner);
        if let Some((peer, waiter)) = granted {
            self.queue.grant(peer, waiter);
        }
        if has_ended {
            self.queue.wake_all();
        }
    }
}
