//! The objects behind handles. A stream has bytes or not, and one waker.

use std::{
    ops::Deref,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use loom::sync::Mutex;

pub struct AuthorizationRequests;
pub struct ConnectionListener;
pub struct KeepConnected;
pub struct Listener;
pub struct Peer;
pub struct Protocol;
pub struct Watch;

pub mod tunnel {
    pub struct Tunnel;
}

#[derive(Clone)]
pub struct Endpoint;

impl Endpoint {
    pub fn has_connection(&self, _: &Connection) -> bool {
        true
    }
}

#[derive(Clone)]
pub struct Connection;

pub struct ConnectionGuard(Connection);

impl Deref for ConnectionGuard {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

#[derive(Debug)]
pub enum Code {
    Busy,
}

#[derive(Debug)]
pub struct Error;

impl Error {
    pub fn new(_: Code, _: &str) -> Self {
        Self
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// The transport's side of a stream: bytes arrive, and wake the reader.
#[derive(Clone, Default)]
pub struct Arrival(Arc<Mutex<(bool, Option<Waker>)>>);

impl Arrival {
    pub fn arrive(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

pub struct Stream(pub Arrival);

impl Stream {
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.0.lock().unwrap();
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }

    pub fn is_recv_done(&self) -> bool {
        false
    }

    pub fn is_at_end(&self) -> bool {
        false
    }

    pub fn is_send_reported(&self) -> bool {
        false
    }

    pub fn is_accepted(&self) -> bool {
        false
    }

    pub fn is_over(&self) -> bool {
        false
    }

    pub fn connection(&self) -> &Connection {
        &Connection
    }
}
