//! The bounded queue behind a listener, and places in it that are promised to streams being acknowledged.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::{Notify, oneshot};

use super::{
    IncomingStream,
    room::{Applicant, QueueLimits, Room},
};
use crate::{
    config::Access,
    error::{Code, Error, Result},
    identity::PublicKey,
    monitor::{Locked, Monitor},
    protocol::Protocol,
    wire::refusal::{Refusal, code},
};

/// The streams that wait for a listener, and the places that are promised to streams being acknowledged.
#[derive(Debug)]
pub(crate) struct Queue {
    access: Arc<Access>,
    /// What its listener serves; each stream's route is an index into it.
    protocols: Box<[Protocol]>,
    /// Its listener serves the whole endpoint, not one connection.
    serves_endpoint: bool,
    inner: Monitor<Inner>,
    /// Each stream that comes wakes one of those that wait in [`Queue::accept`].
    ready: Notify,
}

#[derive(Debug)]
struct Inner {
    waiting: VecDeque<IncomingStream>,
    room: Room<QueuePermit>,
    open: Open,
    /// Somebody will flush what waits.
    flushing: bool,
}

/// What a queue takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Open {
    #[default]
    Yes,
    /// Only what has a place: nothing new is served.
    Draining,
    /// Nothing: its listener is gone.
    No,
}

impl Open {
    /// What a stream is told that waited in a queue in this state when its listener went.
    fn refusal(self) -> Refusal {
        let (code, message) = match self {
            Self::Draining => (code::SHUTDOWN, "this endpoint is shutting down"),
            Self::Yes | Self::No => (code::UNSUPPORTED, "its listener has ended here"),
        };
        Refusal { code: code.to_owned(), message: message.to_owned() }
    }
}

/// A place in a queue, before the stream is acknowledged. Dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct QueuePermit {
    queue: Arc<Queue>,
    peer: PublicKey,
    used: bool,
}

impl Queue {
    pub(super) fn new(
        places: QueueLimits,
        access: Arc<Access>,
        protocols: &[Protocol],
        serves_endpoint: bool,
    ) -> Arc<Self> {
        let inner = Inner { waiting: VecDeque::new(), room: Room::new(places), open: Open::Yes, flushing: false };
        let protocols = protocols.into();
        Arc::new(Self { access, protocols, serves_endpoint, inner: Monitor::new(inner), ready: Notify::new() })
    }

    pub(super) fn serves_endpoint(&self) -> bool {
        self.serves_endpoint
    }

    /// Drops queued streams of peers that the lists no longer let in.
    pub(super) fn purge_denied(self: &Arc<Self>) {
        let mut inner = self.lock();
        let waiting = std::mem::take(&mut inner.waiting);
        let lets_in = |incoming: &IncomingStream| self.access.lets_in(&incoming.stream.connection().remote());
        let (kept, denied): (VecDeque<_>, VecDeque<_>) = waiting.into_iter().partition(lets_in);
        inner.waiting = kept;
        self.give_back(inner, &denied);
        // Those that were put back may have nobody else who does.
        self.flush();
    }

    /// Takes out all that waits, each stream with its place.
    pub(super) fn hold_all(self: &Arc<Self>) -> Vec<(QueuePermit, IncomingStream)> {
        let waiting = std::mem::take(&mut self.lock().waiting);
        let hold = |incoming: IncomingStream| (self.place(incoming.stream.connection().remote()), incoming);
        waiting.into_iter().map(hold).collect()
    }

    /// What [`Listener::put_back`](super::Listener::put_back) does.
    pub(super) fn put_back(&self, streams: Vec<IncomingStream>) {
        let mut inner = self.lock();
        for incoming in streams.into_iter().rev() {
            inner.room.take_back(incoming.stream.connection().remote());
            inner.waiting.push_front(incoming);
        }
        inner.wake();
        self.ready.notify_one();
    }

    /// The protocol of a stream in this queue.
    fn protocol<'a>(&'a self, incoming: &'a IncomingStream) -> Option<&'a Protocol> {
        incoming.route.map_or(incoming.protocol.as_ref(), |index| self.protocols.get(index))
    }

    /// Streams that wait, and whose peer is still there.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.iter().filter(|incoming| incoming.stream.connection().is_live()).count()
    }

    /// Detaches the queued streams of closed connections.
    pub(super) fn detach_streams(&self) {
        self.lock().waiting.iter_mut().for_each(|incoming| incoming.stream.detach_from_connection());
    }

    /// A place, if there is one; `Err` when nothing new is served.
    pub(crate) fn try_reserve(self: &Arc<Self>, peer: PublicKey) -> Result<Option<QueuePermit>, ()> {
        let mut inner = self.lock();
        if inner.open != Open::Yes {
            return Err(());
        }
        Ok(inner.room.take(peer).then(|| self.place(peer)))
    }

    /// What [`Listener::poll_accept`](super::Listener::poll_accept) does.
    pub(super) fn poll_take(self: &Arc<Self>, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<IncomingStream>>> {
        loop {
            let inner = self.lock();
            if inner.waiting.is_empty() && !inner.is_over() {
                return inner.wait(cx);
            }
            let taken = self.take(inner, most)?;
            // With no room to take anything, this only tells whether something waits.
            if !taken.is_empty() || most == 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    /// What [`Listener::accept`](super::Listener::accept) does.
    pub(super) async fn accept(self: &Arc<Self>) -> Result<IncomingStream> {
        loop {
            // Dropped after its wake, this wakes the next one that waits.
            let mut ready = std::pin::pin!(self.ready.notified());
            ready.as_mut().enable();
            let taken = {
                let inner = self.lock();
                if inner.waiting.is_empty() && !inner.is_over() { None } else { Some(self.take(inner, 1)?) }
            };
            match taken {
                None => ready.await,
                Some(mut taken) => {
                    if let Some(incoming) = taken.pop() {
                        return Ok(incoming);
                    }
                }
            }
        }
    }

    /// What waits, at most `most`, without the streams of peers that were denied meanwhile: nothing, where all of it was theirs.
    fn take(self: &Arc<Self>, mut inner: Locked<'_, Inner>, most: usize) -> Result<Vec<IncomingStream>> {
        if inner.waiting.is_empty() {
            return Err(Error::new(Code::Closed, "no more streams come: the endpoint or the connection has ended"));
        }
        let count = inner.waiting.len().min(most);
        let mut taken: Vec<IncomingStream> = inner.waiting.drain(..count).collect();
        self.give_back(inner, &taken);
        taken.retain(|incoming| self.access.lets_in(&incoming.stream.connection().remote()));
        Ok(taken)
    }

    /// Waits for a place; `Err` when nothing new is served. Cancel safe.
    pub(crate) async fn reserve(self: &Arc<Self>, peer: PublicKey) -> Result<QueuePermit, ()> {
        let (applicant, place) = oneshot::channel();
        let number = {
            let mut inner = self.lock();
            if inner.open != Open::Yes {
                return Err(());
            }
            if inner.room.take(peer) {
                return Ok(self.place(peer));
            }
            inner.room.apply(peer, applicant)
        };
        let withdrawn = Application { queue: self, peer, number };
        let place = place.await.map_err(|_| ());
        drop(withdrawn);
        place
    }

    /// An acknowledgement waits here, and nobody has been told yet to look after it.
    pub(crate) fn needs_flush(&self) -> bool {
        let mut inner = self.lock();
        !inner.waiting.is_empty() && !std::mem::replace(&mut inner.flushing, true)
    }

    /// Sends the acknowledgements of those that nobody has taken.
    pub(crate) fn flush(&self) {
        let mut inner = self.lock();
        inner.flushing = false;
        for incoming in &mut inner.waiting {
            incoming.stream.try_flush();
        }
    }

    /// Takes nothing new, or nothing at all, from now on.
    pub(super) fn close(&self, open: Open) {
        let mut inner = self.lock();
        if inner.open == Open::No {
            return;
        }
        let before = std::mem::replace(&mut inner.open, open);
        let waiting = if open == Open::No { std::mem::take(&mut inner.waiting) } else { VecDeque::new() };
        let applicants = inner.room.turn_away();
        drop(inner);
        // Not under the lock: both lead to more.
        drop(applicants);
        for incoming in waiting {
            incoming.refuse(&before.refusal());
        }
        self.wake_all();
    }

    /// Wakes everyone who takes: there is an end to see.
    fn wake_all(&self) {
        self.lock().wake();
        self.ready.notify_waiters();
    }

    /// Frees the places of streams that left the queue.
    fn give_back<'a>(
        self: &Arc<Self>,
        mut inner: Locked<'_, Inner>,
        gone: impl IntoIterator<Item = &'a IncomingStream>,
    ) {
        let mut next = Vec::new();
        for incoming in gone {
            next.extend(inner.room.give_back(incoming.stream.connection().remote()));
        }
        let is_over = inner.is_over();
        drop(inner);
        for (peer, applicant) in next {
            self.hand_over(peer, applicant);
        }
        if is_over {
            self.wake_all();
        }
    }

    fn place(self: &Arc<Self>, peer: PublicKey) -> QueuePermit {
        QueuePermit { queue: self.clone(), peer, used: false }
    }

    /// Gives a place to the stream that it was taken for. One that has gone meanwhile drops it, and so gives it back.
    fn hand_over(self: &Arc<Self>, peer: PublicKey, applicant: Applicant<QueuePermit>) {
        let _ = applicant.send(self.place(peer));
    }

    fn lock(&self) -> Locked<'_, Inner> {
        self.inner.lock()
    }
}

impl Inner {
    /// Nothing waits any more, and nothing that is being acknowledged comes: its peer would take that for handed out.
    fn is_over(&self) -> bool {
        self.open != Open::Yes && self.waiting.is_empty() && self.room.is_unused()
    }
}

/// A stream that waits for a place, until this is dropped.
struct Application<'a> {
    queue: &'a Arc<Queue>,
    peer: PublicKey,
    number: u64,
}

impl Drop for Application<'_> {
    fn drop(&mut self) {
        let applicant = self.queue.lock().room.withdraw(self.peer, self.number);
        drop(applicant);
    }
}

impl QueuePermit {
    pub(crate) fn queue(&self) -> Arc<Queue> {
        self.queue.clone()
    }

    /// What the stream that has this place is for.
    pub(crate) fn protocol(&self, incoming: &IncomingStream) -> Option<Protocol> {
        self.queue.protocol(incoming).cloned()
    }

    /// Puts a stream into its place that was let in by the answers of `epoch`. Where those count no longer it comes back, with
    /// its place. A listener that has gone meanwhile refuses it, and so does one whose endpoint denied the peer meanwhile.
    #[must_use = "a stream that comes back is asked about again"]
    pub(crate) fn fill(mut self, incoming: IncomingStream, epoch: u64) -> Option<(Self, IncomingStream)> {
        let mut inner = self.queue.lock();
        if inner.open == Open::No || !self.queue.access.lets_in(&self.peer) {
            let refusal = inner.open.refusal();
            drop(inner);
            incoming.refuse(&refusal);
            return None;
        }
        if self.queue.access.epoch() != epoch {
            drop(inner);
            return Some((self, incoming));
        }
        self.used = true;
        inner.waiting.push_back(incoming);
        inner.wake();
        self.queue.ready.notify_one();
        None
    }
}

impl Drop for QueuePermit {
    fn drop(&mut self) {
        if self.used {
            return;
        }
        let mut inner = self.queue.lock();
        let next = inner.room.give_back(self.peer);
        // A listener that drains may have waited for this one only.
        let is_over = inner.is_over();
        drop(inner);
        if let Some((peer, applicant)) = next {
            self.queue.hand_over(peer, applicant);
        }
        if is_over {
            self.queue.wake_all();
        }
    }
}
