//! The bounded queue behind a listener, and places in it that are promised to streams being acknowledged.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use tokio::sync::Notify;

use super::Incoming;
use crate::{
    error::{Code, Error, Result},
    guard::Access,
    identity::PublicKey,
};

/// How many streams may wait for a listener: all together, and of one peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    pub(crate) all: usize,
    pub(crate) of_one_peer: usize,
}

/// The streams that wait for a listener, and the places that are promised to streams being acknowledged.
#[derive(Debug)]
pub(crate) struct Queue {
    places: Places,
    access: Arc<Access>,
    /// Its listener serves the whole endpoint, not one connection.
    serves_endpoint: bool,
    inner: Mutex<Inner>,
    room: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Incoming>,
    taken: usize,
    of_peer: HashMap<PublicKey, usize>,
    waker: Option<Waker>,
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

/// A place in a queue, before the stream is acknowledged. Dropping it gives the place back.
pub(crate) struct Place {
    queue: Arc<Queue>,
    peer: PublicKey,
    used: bool,
}

impl Queue {
    pub(super) fn new(places: Places, access: Arc<Access>, serves_endpoint: bool) -> Arc<Self> {
        Arc::new(Self { places, access, serves_endpoint, inner: Mutex::default(), room: Notify::new() })
    }

    pub(super) fn serves_endpoint(&self) -> bool {
        self.serves_endpoint
    }

    /// Drops queued streams of peers that the lists no longer let in.
    pub(super) fn purge_denied(&self) {
        let mut inner = self.lock();
        let waiting = std::mem::take(&mut inner.waiting);
        let lets_in = |incoming: &Incoming| self.access.lets_in(&incoming.stream.connection().remote());
        let (kept, denied): (VecDeque<_>, VecDeque<_>) = waiting.into_iter().partition(lets_in);
        inner.waiting = kept;
        for incoming in &denied {
            inner.give_back(incoming.stream.connection().remote());
        }
        // A draining listener may have waited for these only.
        let waker = inner.waker.take_if(|_| !denied.is_empty());
        drop(inner);
        // Dropping a stream resets it, which must not happen under the lock.
        if !denied.is_empty() {
            drop(denied);
            self.room.notify_waiters();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Streams that wait, and whose peer is still there.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.iter().filter(|incoming| incoming.stream.connection().is_live()).count()
    }

    /// Streams that wait let go of a connection that has ended.
    pub(super) fn outlive(&self) {
        self.lock().waiting.iter_mut().for_each(|incoming| incoming.stream.outlive());
    }

    /// A place, if there is one; `Err` when nothing new is served.
    pub(crate) fn try_reserve(self: &Arc<Self>, peer: PublicKey) -> Result<Option<Place>, ()> {
        let mut inner = self.lock();
        if inner.open != Open::Yes {
            return Err(());
        }
        let of_peer = inner.of_peer.get(&peer).copied().unwrap_or(0);
        if inner.taken >= self.places.all || of_peer >= self.places.of_one_peer {
            return Ok(None);
        }
        inner.taken += 1;
        inner.of_peer.insert(peer, of_peer + 1);
        Ok(Some(Place { queue: self.clone(), peer, used: false }))
    }

    /// What [`Listener::poll_accept`](super::Listener::poll_accept) does. A peer that was denied meanwhile is not served.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<Incoming>>> {
        let mut inner = self.lock();
        if inner.waiting.is_empty() {
            // One that is being acknowledged comes still: its peer would take it for handed out.
            if inner.open != Open::Yes && inner.taken == 0 {
                return Poll::Ready(Err(Error::new(Code::Closed, "the endpoint was closed")));
            }
            inner.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = inner.waiting.len().min(most);
        let mut taken: Vec<Incoming> = inner.waiting.drain(..count).collect();
        for incoming in &taken {
            inner.give_back(incoming.stream.connection().remote());
        }
        drop(inner);
        self.room.notify_waiters();
        taken.retain(|incoming| self.access.lets_in(&incoming.stream.connection().remote()));
        if taken.is_empty() && count > 0 {
            // All of them were denied meanwhile. The queue is shorter now.
            return self.poll_take(cx, most);
        }
        Poll::Ready(Ok(taken))
    }

    /// Waits for a place; `Err` when nothing new is served. Cancel safe.
    pub(crate) async fn reserve(self: &Arc<Self>, peer: PublicKey) -> Result<Place, ()> {
        loop {
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            if let Some(place) = self.try_reserve(peer)? {
                return Ok(place);
            }
            room.await;
        }
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
            incoming.stream.flush();
        }
    }

    /// Takes nothing new, or nothing at all, from now on.
    pub(super) fn close(&self, open: Open) {
        let mut inner = self.lock();
        inner.open = open;
        let waiting = if open == Open::No { std::mem::take(&mut inner.waiting) } else { VecDeque::new() };
        let waker = inner.waker.take();
        drop(inner);
        // Dropping a stream resets it; that must not happen under the lock.
        drop(waiting);
        self.room.notify_waiters();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while held")
    }
}

impl Inner {
    fn give_back(&mut self, peer: PublicKey) {
        self.taken -= 1;
        if let Some(count) = self.of_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&peer);
            }
        }
    }
}

impl Place {
    pub(crate) fn queue(&self) -> Arc<Queue> {
        self.queue.clone()
    }

    /// Puts the stream into its place. A listener that has gone meanwhile lets it go, and so does one whose endpoint denied the
    /// peer meanwhile.
    pub(crate) fn fill(mut self, incoming: Incoming) {
        let mut inner = self.queue.lock();
        if inner.open == Open::No || !self.queue.access.lets_in(&self.peer) {
            return;
        }
        self.used = true;
        inner.waiting.push_back(incoming);
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.used {
            let mut inner = self.queue.lock();
            inner.give_back(self.peer);
            // A listener that drains may have waited for this one only.
            let draining = inner.open != Open::Yes;
            let waker = inner.waker.take_if(|_| draining);
            drop(inner);
            self.queue.room.notify_waiters();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}
