//! Incoming connections, and the listener that takes them.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use super::fair_waiters::FairWaiters;
use crate::{
    connection::{Connection, ConnectionGuard},
    error::{Code, Error, Result},
    waker_mutex::{Locked, WakerMutex},
};

/// Takes incoming connections. Clones share one queue, so each connection goes to one of them. Dropping the last clone allows
/// another listener.
#[derive(Clone, Debug)]
pub struct ConnectionListener(Arc<Registration>);

/// The registration of a listener. Ends when dropped.
#[derive(Debug)]
struct Registration(Arc<ConnectionQueue>);

impl ConnectionListener {
    /// Polls for the next connection, or arms the waker. A new connection wakes every task that polls.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once no further connection can come: the endpoint drains or has closed, and none is queued.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Result<ConnectionGuard>> {
        let mut state = self.0.0.lock();
        match state.take() {
            Some(taken) => Poll::Ready(taken),
            None => state.wait(cx),
        }
    }

    /// Waits for the next connection. Fair: connections go to the waiting tasks in the order of their calls. A call that is woken and not
    /// polled delays the others by 5 ms at most. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectionListener::poll_accept`].
    pub async fn accept(&self) -> Result<ConnectionGuard> {
        let queue = &self.0.0;
        queue.waiters.take(|| queue.lock().take()).await
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.has_listener = false;
        let queued = std::mem::take(&mut state.queued);
        drop(state);
        for connection in &queued {
            connection.end_listener_grace();
        }
    }
}

/// Queue of incoming connections. Empty while no [`ConnectionListener`] exists.
#[derive(Debug)]
pub(crate) struct ConnectionQueue {
    capacity: usize,
    state: WakerMutex<State>,
    /// Tasks in [`ConnectionListener::accept`].
    waiters: FairWaiters,
}

#[derive(Debug, Default)]
struct State {
    has_listener: bool,
    closed: bool,
    queued: VecDeque<ConnectionGuard>,
}

impl State {
    /// The next live connection, or the end of the queue. `None` if the caller must wait.
    fn take(&mut self) -> Option<Result<ConnectionGuard>> {
        while let Some(connection) = self.queued.pop_front() {
            if connection.is_live() {
                connection.start_listener_grace();
                return Some(Ok(connection));
            }
        }
        self.closed.then(|| Err(Error::closed()))
    }
}

impl ConnectionQueue {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity, state: WakerMutex::default(), waiters: FairWaiters::default() })
    }

    /// Starts listening.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED`, and `ERR_PROTOCOL_IN_USE` while another listener exists.
    pub(crate) fn listen(self: &Arc<Self>) -> Result<ConnectionListener> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::closed());
        }
        if std::mem::replace(&mut state.has_listener, true) {
            let text = "the endpoint's connections are being accepted already: share that one";
            return Err(Error::new(Code::ProtocolInUse, text));
        }
        Ok(ConnectionListener(Arc::new(Registration(self.clone()))))
    }

    pub(crate) fn is_listening(&self) -> bool {
        let state = self.lock();
        state.has_listener && !state.closed
    }

    /// Queues a connection for the listener. No-op without a listener, or if the queue is full.
    pub(crate) fn offer(&self, connection: &Connection) {
        let mut state = self.lock();
        if !state.has_listener || state.closed || state.queued.len() >= self.capacity {
            return;
        }
        let Some(guard) = ConnectionGuard::new(connection) else { return };
        guard.offer();
        state.queued.push_back(guard);
        state.wake();
        self.waiters.notify();
    }

    /// Drops queued connections that have ended.
    pub(crate) fn purge_ended(&self) {
        let mut state = self.lock();
        let queued = std::mem::take(&mut state.queued);
        let (live, ended): (VecDeque<ConnectionGuard>, VecDeque<ConnectionGuard>) =
            queued.into_iter().partition(|connection| connection.is_live());
        state.queued = live;
        drop(state);
        drop(ended);
    }

    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.wake();
        self.waiters.notify();
    }

    fn lock(&self) -> Locked<'_, State> {
        self.state.lock()
    }
}
