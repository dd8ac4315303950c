//! The bounded queue behind a listener.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use super::{
    IncomingStream, QueuePermit,
    fair_waiters::FairWaiters,
    permit_pool::{PermitPool, PermitWaiter, QueueLimits},
};
use crate::{
    authorization::Authorization,
    error::{Code, Error, Result},
    identity::PublicKey,
    protocol::Protocol,
    waker_mutex::{Locked, WakerMutex},
    wire::refusal::{Refusal, word},
};

/// The streams that wait for a listener, and the permits of streams that are still being admitted.
#[derive(Debug)]
pub(crate) struct StreamQueue {
    pub(super) authorization: Arc<Authorization>,
    /// The listener's protocols. The route of a stream is an index into them.
    protocols: Box<[Protocol]>,
    /// Whether the listener serves the whole endpoint, not one connection.
    serves_endpoint: bool,
    acks: AckMode,
    inner: WakerMutex<Inner>,
    /// Tasks in [`StreamQueue::accept`].
    pub(super) waiters: FairWaiters,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) streams: VecDeque<IncomingStream>,
    pub(super) permits: PermitPool<QueuePermit>,
    pub(super) state: QueueState,
    /// A task will flush the acks of queued streams.
    flush_scheduled: bool,
}

/// Sender of the acks of a queue's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckMode {
    /// The core, at once or with the first bytes.
    Automatic,
    /// The program, by [`PendingStream::accept`](super::PendingStream::accept).
    Manual,
}

/// Which streams a queue accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum QueueState {
    #[default]
    Open,
    /// Only streams that already have a permit.
    Draining,
    /// None: the listener is gone.
    Closed,
}

impl QueueState {
    /// Refusal of a stream that was queued in this state when the listener was dropped.
    pub(super) fn refusal(self) -> Refusal {
        let (word, message) = match self {
            Self::Draining => (word::SHUTDOWN, "this endpoint is shutting down"),
            Self::Open | Self::Closed => (word::UNSUPPORTED, "its listener has ended here"),
        };
        Refusal::new(word, message)
    }
}

impl StreamQueue {
    pub(super) fn new(
        limits: QueueLimits,
        authorization: Arc<Authorization>,
        protocols: &[Protocol],
        serves_endpoint: bool,
        acks: AckMode,
    ) -> Arc<Self> {
        let inner = Inner {
            streams: VecDeque::new(),
            permits: PermitPool::new(limits),
            state: QueueState::Open,
            flush_scheduled: false,
        };
        let protocols = protocols.into();
        let inner = WakerMutex::new(inner);
        Arc::new(Self { authorization, protocols, serves_endpoint, acks, inner, waiters: FairWaiters::default() })
    }

    pub(crate) fn acks(&self) -> AckMode {
        self.acks
    }

    pub(super) fn serves_endpoint(&self) -> bool {
        self.serves_endpoint
    }

    /// Refuses the queued streams that the access lists or the policy no longer admit.
    pub(super) fn purge_denied(self: &Arc<Self>) {
        let mut inner = self.lock();
        let (mut denied, mut refusals) = (Vec::new(), Vec::new());
        for mut incoming in std::mem::take(&mut inner.streams) {
            match self.check(&mut incoming) {
                Ok(()) => inner.streams.push_back(incoming),
                Err(refusal) => {
                    denied.push(incoming);
                    refusals.push(refusal);
                }
            }
        }
        self.release_permits(inner, &denied);
        for (incoming, refusal) in denied.into_iter().zip(refusals) {
            incoming.refuse(&refusal);
        }
        // Streams that were put back may have no other flush scheduled.
        self.flush();
    }

    /// Takes all queued streams, each with its permit.
    pub(super) fn take_all(self: &Arc<Self>) -> Vec<(QueuePermit, IncomingStream)> {
        let streams = std::mem::take(&mut self.lock().streams);
        let hold = |incoming: IncomingStream| (self.permit(incoming.stream.connection().remote()), incoming);
        streams.into_iter().map(hold).collect()
    }

    /// See [`Listener::put_back`](super::Listener::put_back).
    pub(super) fn put_back(&self, streams: Vec<IncomingStream>) {
        let mut inner = self.lock();
        for incoming in streams.into_iter().rev() {
            inner.permits.acquire_over_limit(incoming.stream.connection().remote());
            inner.streams.push_front(incoming);
        }
        inner.wake();
        self.waiters.notify();
    }

    /// The protocol of a stream in this queue.
    pub(super) fn protocol<'a>(&'a self, incoming: &'a IncomingStream) -> Option<&'a Protocol> {
        incoming.route.map_or(incoming.protocol.as_ref(), |index| self.protocols.get(index))
    }

    /// Number of queued streams of live connections.
    pub(super) fn queued(&self) -> usize {
        self.lock().streams.iter().filter(|incoming| incoming.stream.connection().is_live()).count()
    }

    /// Detaches queued streams from their closed connections.
    pub(super) fn detach_streams(&self) {
        self.lock().streams.iter_mut().for_each(|incoming| incoming.stream.detach_from_connection());
    }

    /// Acquires a permit if one is free.
    ///
    /// # Errors
    ///
    /// The queue accepts no new stream.
    pub(crate) fn try_reserve(self: &Arc<Self>, peer: PublicKey) -> Result<Option<QueuePermit>, ()> {
        let mut inner = self.lock();
        if inner.state != QueueState::Open {
            return Err(());
        }
        Ok(inner.permits.try_acquire(peer).then(|| self.permit(peer)))
    }

    /// Waits for a permit. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The queue accepts no new stream.
    pub(crate) async fn reserve(self: &Arc<Self>, peer: PublicKey) -> Result<QueuePermit, ()> {
        let (waiter, permit) = oneshot::channel();
        let number = {
            let mut inner = self.lock();
            if inner.state != QueueState::Open {
                return Err(());
            }
            if inner.permits.try_acquire(peer) {
                return Ok(self.permit(peer));
            }
            inner.permits.add_waiter(peer, waiter)
        };
        let guard = WaiterGuard { queue: self, peer, number };
        let permit = permit.await.map_err(|_| ());
        drop(guard);
        permit
    }

    /// See [`Listener::poll_accept`](super::Listener::poll_accept).
    pub(super) fn poll_take(self: &Arc<Self>, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<IncomingStream>>> {
        loop {
            let inner = self.lock();
            if inner.streams.is_empty() && !inner.has_ended() {
                return inner.wait(cx);
            }
            let taken = self.take(inner, most)?;
            // With `most` of 0 this only reports whether a stream is queued.
            if !taken.is_empty() || most == 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    /// See [`Listener::accept`](super::Listener::accept).
    pub(super) async fn accept(self: &Arc<Self>) -> Result<IncomingStream> {
        let try_take = || loop {
            let inner = self.lock();
            if inner.streams.is_empty() && !inner.has_ended() {
                return None;
            }
            if let Some(taken) = self.take(inner, 1).map(|mut taken| taken.pop()).transpose() {
                return Some(taken);
            }
        };
        self.waiters.take(try_take).await
    }

    /// Takes at most `most` streams. Drops those that are no longer admitted, so the result may be empty.
    fn take(self: &Arc<Self>, mut inner: Locked<'_, Inner>, most: usize) -> Result<Vec<IncomingStream>> {
        if inner.streams.is_empty() {
            return Err(Error::new(Code::Closed, "no more streams come: the endpoint or the connection has ended"));
        }
        let count = inner.streams.len().min(most);
        let mut taken: Vec<IncomingStream> = inner.streams.drain(..count).collect();
        self.release_permits(inner, &taken);
        taken.retain_mut(|incoming| self.check(incoming).is_ok());
        if self.acks == AckMode::Automatic {
            for IncomingStream { stream, .. } in &mut taken {
                stream.count_accepted();
            }
        }
        Ok(taken)
    }

    /// Whether an unsent ack may be queued and no flush is scheduled. The caller schedules one then.
    pub(crate) fn needs_flush(&self) -> bool {
        if self.acks == AckMode::Manual {
            return false;
        }
        let mut inner = self.lock();
        !inner.streams.is_empty() && !std::mem::replace(&mut inner.flush_scheduled, true)
    }

    /// Sends the unsent acks of queued streams.
    pub(crate) fn flush(&self) {
        if self.acks == AckMode::Manual {
            return;
        }
        let mut inner = self.lock();
        inner.flush_scheduled = false;
        for IncomingStream { stream, .. } in &mut inner.streams {
            stream.try_flush();
            if stream.is_header_sent() {
                stream.count_accepted();
            }
        }
    }

    /// Accepts no new stream from now on. Refuses the queued ones that will not be handed out: all in [`QueueState::Closed`], and
    /// those without an ack in [`QueueState::Draining`].
    pub(super) fn close(self: &Arc<Self>, state: QueueState) {
        let mut inner = self.lock();
        if inner.state == QueueState::Closed {
            return;
        }
        let before = std::mem::replace(&mut inner.state, state);
        let waiters = inner.permits.remove_waiters();
        let refused = if self.hands_out(state) { VecDeque::new() } else { std::mem::take(&mut inner.streams) };
        self.release_permits(inner, &refused);
        // Drop and refuse outside the lock: both may take it again.
        drop(waiters);
        // A stream that waited while the endpoint drained learns that, not that its listener is gone.
        let refusal = if state == QueueState::Draining { state.refusal() } else { before.refusal() };
        for incoming in refused {
            incoming.refuse(&refusal);
        }
        self.wake_all();
    }

    /// Whether streams are still handed out in this state. A draining queue hands out only acknowledged streams.
    pub(super) fn hands_out(&self, state: QueueState) -> bool {
        match state {
            QueueState::Open => true,
            QueueState::Draining => self.acks == AckMode::Automatic,
            QueueState::Closed => false,
        }
    }

    /// Wakes every acceptor, to see the end of the queue.
    pub(super) fn wake_all(&self) {
        self.lock().wake();
        self.waiters.notify();
    }

    /// Releases the permits of streams that left the queue.
    fn release_permits<'a>(
        self: &Arc<Self>,
        mut inner: Locked<'_, Inner>,
        gone: impl IntoIterator<Item = &'a IncomingStream>,
    ) {
        let mut granted = Vec::new();
        for incoming in gone {
            granted.extend(inner.permits.release(incoming.stream.connection().remote()));
        }
        let has_ended = inner.has_ended();
        drop(inner);
        for (peer, waiter) in granted {
            self.grant(peer, waiter);
        }
        if has_ended {
            self.wake_all();
        }
    }

    /// Checks whether the access lists and the policy admit the stream now.
    pub(super) fn check(&self, incoming: &mut IncomingStream) -> Result<(), Refusal> {
        let IncomingStream { stream, route, protocol } = incoming;
        let protocol = route.map_or(protocol.as_ref(), |index| self.protocols.get(index));
        protocol.map_or(Ok(()), |protocol| self.authorization.check_queued(stream, protocol))
    }

    fn permit(self: &Arc<Self>, peer: PublicKey) -> QueuePermit {
        QueuePermit::new(self.clone(), peer)
    }

    /// Sends a permit to its waiter. A waiter that is gone drops the permit, which releases it.
    pub(super) fn grant(self: &Arc<Self>, peer: PublicKey, waiter: PermitWaiter<QueuePermit>) {
        let _ = waiter.send(self.permit(peer));
    }

    pub(super) fn lock(&self) -> Locked<'_, Inner> {
        self.inner.lock()
    }
}

impl Inner {
    /// Whether no further stream can come. A stream with a permit still counts, because its peer may have its ack already.
    pub(super) fn has_ended(&self) -> bool {
        self.state != QueueState::Open && self.streams.is_empty() && self.permits.is_unused()
    }
}

/// Removes a permit's waiter when dropped.
struct WaiterGuard<'a> {
    queue: &'a Arc<StreamQueue>,
    peer: PublicKey,
    number: u64,
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        let waiter = self.queue.lock().permits.remove_waiter(self.peer, self.number);
        drop(waiter);
    }
}
