//! The routing table of an endpoint.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, futures::Notified};

use super::{
    IncomingStream, Listener, QueueLimits, QueuePermit,
    queue::{AckMode, QueueState, StreamQueue},
    routes::{Route, Routes},
};
use crate::{
    authorization::Authorization,
    error::{Error, Result},
    protocol::{Protocol, ProtocolKey},
};

/// Maps each protocol to its listener, for the whole endpoint and for single connections.
#[derive(Debug)]
pub(crate) struct Router {
    table: Mutex<Table>,
    authorization: Arc<Authorization>,
    /// Number of listeners of the whole endpoint. The accept loop reads it without the lock.
    listening: AtomicUsize,
    /// No further stream is routed. Set under the table's lock.
    closed: AtomicBool,
    /// Notified when a listener was added, and at the close.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    endpoint: Routes,
    connections: HashMap<u64, Routes>,
    queues: Vec<Arc<StreamQueue>>,
}

impl Router {
    /// A router that refuses queued streams which `authorization` no longer admits.
    pub(crate) fn new(authorization: Arc<Authorization>) -> Self {
        Self {
            table: Mutex::default(),
            authorization,
            listening: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Registers a listener for some protocols; with `connection`, on that connection alone.
    ///
    /// # Errors
    ///
    /// `ERR_PROTOCOL_IN_USE`, `ERR_CLOSED`; nothing is registered then.
    pub(crate) fn listen(
        self: &Arc<Self>,
        connection: Option<u64>,
        protocols: &[Protocol],
        fallback: bool,
        acks: AckMode,
        limits: QueueLimits,
    ) -> Result<Listener> {
        let mut table = self.lock();
        if self.is_closed() {
            return Err(Error::closed());
        }
        let queue = StreamQueue::new(limits, self.authorization.clone(), protocols, connection.is_none(), acks);
        let routes = match connection {
            Some(id) => table.connections.entry(id).or_default(),
            None => &mut table.endpoint,
        };
        routes.add(protocols, fallback, &queue)?;
        table.queues.push(queue.clone());
        if connection.is_none() {
            self.listening.fetch_add(1, Ordering::Release);
        }
        Ok(Listener::new(queue, self.clone()))
    }

    /// Whether a listener of the whole endpoint exists.
    pub(crate) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Acquire) > 0 && !self.is_closed()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Finds the listener of a protocol. A listener of the connection comes before one of the endpoint.
    /// `key` is the protocol's.
    pub(crate) fn route(&self, connection: u64, protocol: &Protocol, key: &ProtocolKey) -> Option<Route> {
        let table = self.lock();
        if self.is_closed() {
            return None;
        }
        let own = table.connections.get(&connection);
        own.and_then(|routes| routes.find(key, protocol)).or_else(|| table.endpoint.find(key, protocol))
    }

    /// Number of queued streams of live connections.
    pub(crate) fn queued(&self) -> usize {
        self.lock().queues.iter().map(|queue| queue.queued()).sum()
    }

    /// Refuses the queued streams that the access lists or the policy no longer admit.
    pub(crate) fn purge_denied(&self) {
        let queues = self.lock().queues.clone();
        for queue in queues {
            queue.purge_denied();
        }
    }

    /// Takes all streams out of all queues, each with its permit.
    pub(crate) fn take_all(&self) -> Vec<(QueuePermit, IncomingStream)> {
        let queues = self.lock().queues.clone();
        queues.iter().flat_map(StreamQueue::take_all).collect()
    }

    /// Detaches queued streams from their closed connections. They stay queued.
    pub(crate) fn detach_streams(&self) {
        for queue in &self.lock().queues {
            queue.detach_streams();
        }
    }

    /// Wakes the streams that wait for a listener of their protocol.
    pub(crate) fn notify_changed(&self) {
        self.changed.notify_waiters();
    }

    /// Resolves at the next [`Router::notify_changed`] or [`Router::close`].
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Ends the listeners of a closed connection. They still hand out queued streams.
    pub(crate) fn connection_ended(&self, connection: u64) {
        let Some(routes) = self.lock().connections.remove(&connection) else { return };
        for queue in routes.into_queues() {
            queue.close(QueueState::Draining);
        }
    }

    pub(super) fn remove(&self, queue: &Arc<StreamQueue>) {
        let mut table = self.lock();
        let Some(at) = table.queues.iter().position(|q| Arc::ptr_eq(q, queue)) else { return };
        table.queues.swap_remove(at);
        table.endpoint.remove(queue);
        table.connections.retain(|_, routes| {
            routes.remove(queue);
            !routes.is_empty()
        });
        if queue.serves_endpoint() {
            self.listening.fetch_sub(1, Ordering::Release);
        }
    }

    /// Routes no further stream. Every listener ends once its queue is empty.
    pub(crate) fn close(&self) {
        let table = self.lock();
        self.closed.store(true, Ordering::Release);
        let queues = table.queues.clone();
        drop(table);
        for queue in queues {
            queue.close(QueueState::Draining);
        }
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("no panic while held")
    }

    /// Number of connections with listeners, of queues, and of listeners of the whole endpoint.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let table = self.lock();
        (table.connections.len(), table.queues.len(), self.listening.load(Ordering::Acquire))
    }
}
