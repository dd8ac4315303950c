//! Who is served what: one routing table for an endpoint, and a bounded queue behind each listener.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tokio::sync::Notify;

use crate::{
    error::{Code, Error, Result},
    identity::PublicKey,
    protocol::{Protocol, ProtocolKey},
    stream::Stream,
};

/// A stream that a peer opened, acknowledged and ready to be handled.
#[derive(Debug)]
pub struct Incoming {
    /// The stream.
    pub stream: Stream,
    /// Which of the listener's protocols it is, by index; `None` where it serves every other Generic.
    pub route: Option<usize>,
    /// What the header said; only where `route` does not tell.
    pub protocol: Option<Protocol>,
}

/// Takes the streams of some protocols. Dropping it gives the protocols back and refuses what waits.
#[derive(Debug)]
pub struct Listener {
    queue: Arc<Queue>,
    router: Arc<Router>,
}

impl Listener {
    /// Takes what waits, at most `most`; at least one, or it arms the waker.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint drains or has closed, and nothing waits any more.
    pub fn poll_accept(&self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<Incoming>>> {
        let mut inner = self.queue.lock();
        if inner.waiting.is_empty() {
            if inner.closed {
                return Poll::Ready(Err(Error::new(Code::Closed, "the endpoint was closed")));
            }
            inner.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = inner.waiting.len().min(most);
        let taken: Vec<Incoming> = inner.waiting.drain(..count).collect();
        for incoming in &taken {
            inner.give_back(incoming.stream.connection().remote());
        }
        drop(inner);
        self.queue.room.notify_waiters();
        Poll::Ready(Ok(taken))
    }

    /// The next stream. Cancel safe.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint drains or has closed.
    pub async fn accept(&self) -> Result<Incoming> {
        let mut taken = std::future::poll_fn(|cx| self.poll_accept(cx, 1)).await?;
        Ok(taken.remove(0))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.router.remove(&self.queue);
        self.queue.close(true);
    }
}

/// Protocol to one owner, for a whole endpoint or for one connection.
#[derive(Debug, Default)]
pub(crate) struct Router {
    table: Mutex<Table>,
    /// Owners now, so that the accept loop need not lock.
    listening: AtomicUsize,
    /// Nobody is served any more. Set with the table locked.
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Table {
    everyone: Routes,
    connections: HashMap<u64, Routes>,
    queues: Vec<Arc<Queue>>,
}

#[derive(Debug, Default)]
struct Routes {
    protocols: HashMap<ProtocolKey, (Arc<Queue>, usize)>,
    otherwise: Option<Arc<Queue>>,
}

/// Where a stream goes.
pub(crate) struct Route {
    pub(crate) queue: Arc<Queue>,
    pub(crate) index: Option<usize>,
}

impl Router {
    /// Gives some protocols to a new listener; with `connection`, those of that connection only.
    ///
    /// # Errors
    ///
    /// `ERR_PROTOCOL_IN_USE`, `ERR_CLOSED`; nothing was registered then.
    pub(crate) fn listen(
        self: &Arc<Self>,
        connection: Option<u64>,
        protocols: &[Protocol],
        otherwise: bool,
        places: Places,
    ) -> Result<Listener> {
        let mut table = self.lock();
        if self.is_closed() {
            return Err(Error::new(Code::Closed, "the endpoint was closed"));
        }
        let queue = Arc::new(Queue { places, inner: Mutex::default(), room: Notify::new() });
        let routes = match connection {
            Some(id) => table.connections.entry(id).or_default(),
            None => &mut table.everyone,
        };
        routes.claim(protocols, otherwise, &queue)?;
        table.queues.push(queue.clone());
        self.listening.fetch_add(1, Ordering::Release);
        Ok(Listener { queue, router: self.clone() })
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Acquire) > 0 && !self.is_closed()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whoever serves this protocol on this connection.
    pub(crate) fn route(&self, connection: u64, protocol: &Protocol) -> Option<Route> {
        let key = protocol.key();
        let table = self.lock();
        if self.is_closed() {
            return None;
        }
        let own = table.connections.get(&connection);
        own.and_then(|routes| routes.find(&key, protocol)).or_else(|| table.everyone.find(&key, protocol))
    }

    /// Streams that wait for their listener to take them, and whose peer is still there.
    pub(crate) fn waiting(&self) -> usize {
        let table = self.lock();
        let live = |incoming: &&Incoming| incoming.stream.connection().is_live();
        table.queues.iter().map(|queue| queue.lock().waiting.iter().filter(live).count()).sum()
    }

    /// Streams that wait let go of an endpoint that has closed, and are handed out all the same.
    pub(crate) fn outlive(&self) {
        for queue in &self.lock().queues {
            queue.lock().waiting.iter_mut().for_each(|incoming| incoming.stream.outlive());
        }
    }

    fn remove(&self, queue: &Arc<Queue>) {
        let mut table = self.lock();
        let Some(at) = table.queues.iter().position(|q| Arc::ptr_eq(q, queue)) else { return };
        table.queues.swap_remove(at);
        table.everyone.release(queue);
        table.connections.retain(|_, routes| {
            routes.release(queue);
            !routes.is_empty()
        });
        self.listening.fetch_sub(1, Ordering::Release);
    }

    /// Nothing new is served from now on: every listener learns it, what waits acknowledged is still handed out.
    pub(crate) fn close(&self) {
        let table = self.lock();
        self.closed.store(true, Ordering::Release);
        for queue in &table.queues {
            queue.close(false);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("no panic while held")
    }
}

impl Routes {
    fn claim(&mut self, protocols: &[Protocol], otherwise: bool, queue: &Arc<Queue>) -> Result<()> {
        let in_use = |what: &str| {
            Error::new(
                Code::ProtocolInUse,
                format!("{what} has a listener already: one protocol has one listener on an endpoint"),
            )
        };
        let keys: Vec<ProtocolKey> = protocols.iter().map(Protocol::key).collect();
        for (at, key) in keys.iter().enumerate() {
            if self.protocols.contains_key(key) || keys[..at].contains(key) {
                return Err(in_use(&protocols[at].to_json()));
            }
        }
        if otherwise && self.otherwise.is_some() {
            return Err(in_use("every other Generic protocol"));
        }
        for (index, key) in keys.into_iter().enumerate() {
            self.protocols.insert(key, (queue.clone(), index));
        }
        if otherwise {
            self.otherwise = Some(queue.clone());
        }
        Ok(())
    }

    fn find(&self, key: &ProtocolKey, protocol: &Protocol) -> Option<Route> {
        if let Some((queue, index)) = self.protocols.get(key) {
            return Some(Route { queue: queue.clone(), index: Some(*index) });
        }
        let generic = matches!(protocol, Protocol::Generic(_));
        self.otherwise.as_ref().filter(|_| generic).map(|queue| Route { queue: queue.clone(), index: None })
    }

    fn release(&mut self, queue: &Arc<Queue>) {
        self.protocols.retain(|_, (owner, _)| !Arc::ptr_eq(owner, queue));
        self.otherwise.take_if(|owner| Arc::ptr_eq(owner, queue));
    }

    fn is_empty(&self) -> bool {
        self.protocols.is_empty() && self.otherwise.is_none()
    }
}

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
    inner: Mutex<Inner>,
    room: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Incoming>,
    taken: usize,
    of_peer: HashMap<PublicKey, usize>,
    waker: Option<Waker>,
    closed: bool,
    /// Somebody will flush what waits.
    flushing: bool,
}

/// A place in a queue, before the stream is acknowledged. Dropping it gives the place back.
pub(crate) struct Place {
    queue: Arc<Queue>,
    peer: PublicKey,
    used: bool,
}

impl Queue {
    /// A place, if there is one; `Err` when the listener is gone.
    pub(crate) fn try_reserve(self: &Arc<Self>, peer: PublicKey) -> Result<Option<Place>, ()> {
        let mut inner = self.lock();
        if inner.closed {
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

    /// Waits for a place; `Err` when the listener is gone. Cancel safe.
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

    fn close(&self, refuse: bool) {
        let mut inner = self.lock();
        inner.closed = true;
        let waiting = if refuse { std::mem::take(&mut inner.waiting) } else { VecDeque::new() };
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

    /// Puts the stream into its place. A listener that has gone meanwhile lets it go.
    pub(crate) fn fill(mut self, incoming: Incoming) {
        let mut inner = self.queue.lock();
        if inner.closed {
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
            self.queue.lock().give_back(self.peer);
            self.queue.room.notify_waiters();
        }
    }
}
