//! Who is served what: one routing table for an endpoint, and a bounded queue behind each listener.

mod connections;
mod queue;
mod room;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::{Notify, futures::Notified};
use tracing::debug;

pub use self::connections::ConnectionListener;
use self::queue::Open;
pub(crate) use self::{
    connections::ConnectionQueue,
    queue::{Queue, QueuePermit},
    room::QueueLimits,
};
use crate::{
    config::Access,
    error::{Code, Error, Result},
    protocol::{Protocol, ProtocolKey},
    stream::Stream,
    target,
    wire::refusal::Refusal,
};

/// A stream that a peer opened, acknowledged and ready to be handled.
#[derive(Debug)]
pub struct IncomingStream {
    /// The stream.
    pub stream: Stream,
    /// Which of the listener's protocols it is, by index; `None` where it serves every other Generic.
    pub route: Option<usize>,
    /// What the header said; only where `route` does not tell.
    pub protocol: Option<Protocol>,
}

impl IncomingStream {
    /// Refuses a stream that waited in a queue: by the refusal line where its ack was not sent yet, else by a reset.
    pub(crate) fn refuse(self, refusal: &Refusal) {
        let Self { mut stream, .. } = self;
        if stream.refuse(refusal) {
            let (peer, connection, stream_id) = (stream.connection().remote(), stream.connection().id(), stream.id());
            debug!(target: target::STREAM, %peer, connection, stream = stream_id, code = refusal.code, "refused from a queue");
            stream.connection().metrics().refusal_sent(&refusal.code);
        }
    }
}

/// Takes the streams of some protocols. Dropping it gives the protocols back and refuses what waits.
#[derive(Debug)]
pub struct Listener {
    queue: Arc<Queue>,
    router: Arc<Router>,
}

impl Listener {
    /// Takes what waits, at most `most`; at least one, or it arms the waker. A stream that comes wakes all tasks that poll.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint drains or has closed, or the listener's one connection has ended, and nothing waits any more, or is being acknowledged.
    pub fn poll_accept(&self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<IncomingStream>>> {
        self.queue.poll_take(cx, most)
    }

    /// The next stream. Several tasks may wait: each stream wakes one of them, in turn. Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`Listener::poll_accept`].
    pub async fn accept(&self) -> Result<IncomingStream> {
        self.queue.accept().await
    }

    /// Puts streams back that were taken and not used, in their order, before all that waits. They are handed out again, or
    /// refused with the listener's end.
    pub fn put_back(&self, streams: Vec<IncomingStream>) {
        self.queue.put_back(streams);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.router.remove(&self.queue);
        self.queue.close(Open::No);
    }
}

/// Protocol to one owner, for a whole endpoint or for one connection.
#[derive(Debug)]
pub(crate) struct Router {
    table: Mutex<Table>,
    access: Arc<Access>,
    /// Owners for the whole endpoint, so that the accept loop need not lock.
    listening: AtomicUsize,
    /// Nobody is served any more. Set with the table locked.
    closed: AtomicBool,
    /// There may be a new owner, or none will come.
    changed: Notify,
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
    /// Of an endpoint with these lists.
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self {
            table: Mutex::default(),
            access,
            listening: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

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
        places: QueueLimits,
    ) -> Result<Listener> {
        let mut table = self.lock();
        if self.is_closed() {
            return Err(Error::new(Code::Closed, "the endpoint was closed"));
        }
        let queue = Queue::new(places, self.access.clone(), protocols, connection.is_none());
        let routes = match connection {
            Some(id) => table.connections.entry(id).or_default(),
            None => &mut table.everyone,
        };
        routes.claim(protocols, otherwise, &queue)?;
        table.queues.push(queue.clone());
        if connection.is_none() {
            self.listening.fetch_add(1, Ordering::Release);
        }
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
        self.lock().queues.iter().map(|queue| queue.waiting()).sum()
    }

    /// Drops queued streams of peers that the lists no longer let in.
    pub(crate) fn purge_denied(&self) {
        let queues = self.lock().queues.clone();
        for queue in queues {
            queue.purge_denied();
        }
    }

    /// Takes all streams out of all queues, each with its place.
    pub(crate) fn hold_all(&self) -> Vec<(QueuePermit, IncomingStream)> {
        let queues = self.lock().queues.clone();
        queues.iter().flat_map(Queue::hold_all).collect()
    }

    /// Detaches the queued streams of a closed endpoint from their connections. They are still handed out.
    pub(crate) fn detach_streams(&self) {
        for queue in &self.lock().queues {
            queue.detach_streams();
        }
    }

    /// Streams that wait for somebody who serves them look again.
    pub(crate) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// Ready at the next [`Router::announce`], or when nothing is served any more.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// A connection has ended: its own listeners hand out what they hold, and end.
    pub(crate) fn connection_ended(&self, connection: u64) {
        let Some(routes) = self.lock().connections.remove(&connection) else { return };
        let owners = routes.protocols.into_values().map(|(queue, _)| queue);
        for queue in owners.chain(routes.otherwise) {
            queue.close(Open::Draining);
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
        if queue.serves_endpoint() {
            self.listening.fetch_sub(1, Ordering::Release);
        }
    }

    /// Nothing new is served from now on: every listener learns it, what waits acknowledged is still handed out.
    pub(crate) fn close(&self) {
        let table = self.lock();
        self.closed.store(true, Ordering::Release);
        for queue in &table.queues {
            queue.close(Open::Draining);
        }
        self.changed.notify_waiters();
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::{config::AccessLists, identity::SecretKey};

    const PLACES: QueueLimits = QueueLimits { all: 2, of_one_peer: 2 };

    fn router() -> Arc<Router> {
        Arc::new(Router::new(Arc::new(Access::new(AccessLists::default()))))
    }

    #[test]
    fn a_listener_that_drains_ends_when_no_place_is_promised_any_more() {
        let router = router();
        let listener = router.listen(None, &[Protocol::Tcp], false, PLACES).expect("listen");
        let peer = SecretKey::generate().public();
        let place = listener.queue.try_reserve(peer).expect("open").expect("room");
        router.close();
        assert!(listener.queue.try_reserve(peer).is_err());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(listener.poll_accept(&mut cx, 1).is_pending());
        drop(place);
        let Poll::Ready(Err(error)) = listener.poll_accept(&mut cx, 1) else { panic!("nothing is to come") };
        assert_eq!(error.code(), Code::Closed);
    }

    #[test]
    fn nothing_is_left_of_the_listeners_of_connections_that_have_ended() {
        let router = router();
        let _everyone = router.listen(None, &[Protocol::Tcp], false, PLACES).expect("listen");
        let mut cx = Context::from_waker(Waker::noop());
        for connection in 0..200 {
            let listener =
                router.listen(Some(connection), &[Protocol::Tcp, Protocol::Http], true, PLACES).expect("listen");
            assert!(listener.poll_accept(&mut cx, 1).is_pending());
            router.connection_ended(connection);
            let Poll::Ready(Err(error)) = listener.poll_accept(&mut cx, 1) else { panic!("nothing is to come") };
            assert_eq!(error.code(), Code::Closed);
        }
        let table = router.lock();
        assert_eq!((table.connections.len(), table.queues.len(), router.listening.load(Ordering::Acquire)), (0, 1, 1));
    }

    #[tokio::test]
    async fn a_place_that_becomes_free_goes_to_one_stream_that_may_have_it() {
        let router = router();
        let places = QueueLimits { all: 3, of_one_peer: 2 };
        let listener = router.listen(None, &[Protocol::Tcp], false, places).expect("listen");
        let [greedy, other, third] = [0; 3].map(|_| SecretKey::generate().public());
        let queue = &listener.queue;
        let reserve = |peer| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.reserve(peer).await.expect("open") })
        };
        let held = [reserve(greedy).await.expect("task"), reserve(greedy).await.expect("task")];
        let of_other = reserve(other).await.expect("task");
        let (mut first, mut second) = (reserve(greedy), reserve(greedy));
        tokio::task::yield_now().await;
        let gone = reserve(third);
        tokio::task::yield_now().await;
        let last = reserve(third);
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.expect_err("aborted").is_cancelled());
        // The greedy peer came first, and has its share.
        drop(of_other);
        let of_third = last.await.expect("task");
        assert!(still_waits(&mut first).await && still_waits(&mut second).await);
        let [one, two] = held;
        drop(one);
        let of_first = (&mut first).await.expect("task");
        assert!(still_waits(&mut second).await, "one place, one stream");
        drop((two, of_first));
        second.await.expect("task");
        drop(of_third);
        assert!(queue.try_reserve(other).expect("open").is_some());
    }

    /// It has not ended, whatever others had to do first.
    async fn still_waits<T>(task: &mut tokio::task::JoinHandle<T>) -> bool {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        !task.is_finished()
    }
}
