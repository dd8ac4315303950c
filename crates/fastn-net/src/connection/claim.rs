//! Whether whoever takes a connection for itself has said yet which of its streams it serves.
//!
//! A peer may open streams with its first packets, before a program that accepts connections has had its turn: they wait for it.

use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::Connection;

/// How long whoever has got a connection may take to say what it serves there.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Claim(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Nobody takes it for itself, or whoever did has said what it serves.
    #[default]
    Settled,
    /// It waits to be taken.
    Offered(Instant),
    Taken(Instant),
}

impl Connection {
    /// Somebody who takes connections for itself will get it.
    pub(crate) fn offer(&self) {
        *self.claim() = State::Offered(Instant::now());
    }

    /// Somebody has got it. One that is in use already stays as it is.
    pub(crate) fn take(&self) {
        let mut claim = self.claim();
        if let State::Offered(_) = *claim {
            *claim = State::Taken(Instant::now());
        }
    }

    /// What is not served on it by now is not served.
    pub(crate) fn settle(&self) {
        *self.claim() = State::Settled;
    }

    /// How long a stream that nobody serves waits at most before it looks again; none when it is refused. `offered`: how long a
    /// connection may wait to be taken.
    pub(crate) fn unclaimed(&self, offered: Duration) -> Option<Duration> {
        let (since, limit) = match *self.claim() {
            State::Settled => return None,
            State::Offered(since) => (since, offered),
            State::Taken(since) => (since, GRACE),
        };
        // Not longer at once, for it may be taken meanwhile.
        limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero()).map(|left| left.min(GRACE))
    }

    fn claim(&self) -> MutexGuard<'_, State> {
        self.0.claim.0.lock().expect("no panic while held")
    }
}
