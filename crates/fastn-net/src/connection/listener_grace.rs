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
    /// No program takes the connection for itself, or its owner has registered its listeners.
    #[default]
    Settled,
    /// It waits to be taken.
    Offered(Instant),
    Taken(Instant),
}

impl Connection {
    /// Offers the connection to a program that takes connections.
    pub(crate) fn offer(&self) {
        *self.listener_grace() = State::Offered(Instant::now());
    }

    /// Starts the grace period of the owner. No-op if the connection is already in use.
    pub(crate) fn take(&self) {
        let mut grace = self.listener_grace();
        if let State::Offered(_) = *grace {
            *grace = State::Taken(Instant::now());
        }
    }

    /// Ends the grace period: streams without a listener are refused from now on.
    pub(crate) fn settle(&self) {
        *self.listener_grace() = State::Settled;
    }

    /// Returns how long a stream without a listener waits before its next lookup. `None` if it is refused. `offered` is how long
    /// a connection may wait to be taken.
    pub(crate) fn listener_grace_left(&self, offered: Duration) -> Option<Duration> {
        let (since, limit) = match *self.listener_grace() {
            State::Settled => return None,
            State::Offered(since) => (since, offered),
            State::Taken(since) => (since, GRACE),
        };
        // Not longer at once: a program may take the connection meanwhile.
        limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero()).map(|left| left.min(GRACE))
    }

    fn listener_grace(&self) -> MutexGuard<'_, State> {
        self.0.listener_grace.0.lock().expect("no panic while held")
    }
}
