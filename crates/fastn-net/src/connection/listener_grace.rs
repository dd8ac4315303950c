//! Grace period in which the owner of an accepted connection registers its listeners.
//!
//! A peer may open streams with its first packets, before the accepting program has run. These streams wait for the program.

use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::Connection;

/// Time that the owner of a connection has to register its listeners.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct ListenerGrace(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// No program wants the connection, or its owner has registered its listeners.
    #[default]
    Ended,
    /// Waits for a program to accept it.
    Offered(Instant),
    /// A program owns it, and may still register its listeners.
    Owned(Instant),
}

impl Connection {
    /// Offers the connection to the programs that accept connections.
    pub(crate) fn offer(&self) {
        *self.listener_grace() = State::Offered(Instant::now());
    }

    /// Starts the owner's grace period. No-op unless the connection was offered and has no listener yet.
    pub(crate) fn start_listener_grace(&self) {
        let mut grace = self.listener_grace();
        if let State::Offered(_) = *grace {
            *grace = State::Owned(Instant::now());
        }
    }

    /// Ends the grace period: streams without a listener are refused from now on.
    pub(crate) fn end_listener_grace(&self) {
        *self.listener_grace() = State::Ended;
    }

    /// Returns how long a stream without a listener waits before its next lookup. `None` if it is refused. `offered` is the
    /// longest time that a connection waits for an owner.
    pub(crate) fn listener_grace_left(&self, offered: Duration) -> Option<Duration> {
        let (since, limit) = match *self.listener_grace() {
            State::Ended => return None,
            State::Offered(since) => (since, offered),
            State::Owned(since) => (since, GRACE),
        };
        // At most one grace period at a time: the connection may get an owner during one.
        limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero()).map(|left| left.min(GRACE))
    }

    fn listener_grace(&self) -> MutexGuard<'_, State> {
        self.0.listener_grace.0.lock().expect("no panic while held")
    }
}
