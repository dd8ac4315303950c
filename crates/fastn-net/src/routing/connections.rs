//! The connections that peers make, for whoever wants them one level down; and held views of connections.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    connection::{Connection, ConnectionGuard},
    error::{Code, Error, Result},
    monitor::{Locked, Monitor},
};

/// Takes the connections that peers make. Dropping it gives the right back.
#[derive(Debug)]
pub struct ConnectionListener(Arc<ConnectionQueue>);

impl ConnectionListener {
    /// The next connection, or the waker is armed.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint drains or has closed, and none waits any more.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Result<ConnectionGuard>> {
        let mut state = self.0.lock();
        while let Some(view) = state.waiting.pop_front() {
            if view.is_live() {
                view.take();
                return Poll::Ready(Ok(view));
            }
        }
        if state.closed {
            return Poll::Ready(Err(Error::closed()));
        }
        state.wait(cx)
    }
}

impl Drop for ConnectionListener {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for view in &waiting {
            view.settle();
        }
    }
}

/// Where new connections come in.
#[derive(Debug)]
pub(crate) struct ConnectionQueue {
    most: usize,
    state: Monitor<State>,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    closed: bool,
    waiting: VecDeque<ConnectionGuard>,
}

impl ConnectionQueue {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Monitor::default() })
    }

    pub(crate) fn open(self: &Arc<Self>) -> Result<ConnectionListener> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::closed());
        }
        if std::mem::replace(&mut state.open, true) {
            let text = "the endpoint's connections are being accepted already: share that one";
            return Err(Error::new(Code::ProtocolInUse, text));
        }
        Ok(ConnectionListener(self.clone()))
    }

    pub(crate) fn is_open(&self) -> bool {
        let state = self.lock();
        state.open && !state.closed
    }

    pub(crate) fn offer(&self, connection: &Connection) {
        let mut state = self.lock();
        if !state.open || state.closed || state.waiting.len() >= self.most {
            return;
        }
        let Some(view) = ConnectionGuard::new(connection) else { return };
        view.offer();
        state.waiting.push_back(view);
        state.wake();
    }

    /// Drops queued connections that have ended.
    pub(crate) fn purge_ended(&self) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        let (live, ended): (VecDeque<ConnectionGuard>, VecDeque<ConnectionGuard>) =
            waiting.into_iter().partition(|view| view.is_live());
        state.waiting = live;
        drop(state);
        drop(ended);
    }

    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.wake();
    }

    fn lock(&self) -> Locked<'_, State> {
        self.state.lock()
    }
}
