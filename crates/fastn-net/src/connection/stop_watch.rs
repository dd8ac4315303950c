//! Watches whether the peer stops a sending half that stays open.
//!
//! QUIC answers a stop with a reset. The stream keeps its slot until the reset is acknowledged (docs/wire.md, Releasing
//! a stream). A write or finish notices a stop. A half that stays open without writes must be watched.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use iroh::endpoint::{SendStream, VarInt};

use super::{Connection, pending_acks::Acknowledged};

/// A watched sending half.
pub(crate) struct StopWatch(Acknowledged);

impl StopWatch {
    /// Ends with the connection, and notices no stop. For a half that cannot be watched: a writer still notices a stop.
    pub(crate) fn of_connection(connection: &Connection) -> Self {
        let connection = connection.clone();
        Self(Box::pin(async move {
            connection.closed().await;
            Ok(None)
        }))
    }

    /// The peer's stop code; `None` once the half can no longer be stopped.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<VarInt>> {
        self.0.as_mut().poll(cx).map(|stopped| stopped.ok().flatten())
    }
}

impl fmt::Debug for StopWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopWatch")
    }
}

/// The stop watches of one connection.
#[derive(Debug, Default)]
pub(crate) struct StopWatches {
    reset_watches: AtomicUsize,
}

impl StopWatches {
    /// noq keeps about 80 bytes for each stream that was watched and then reset without a stop, until the connection closes.
    const MAX_RESET_WATCHES: usize = 16 * 1024;

    /// Starts a watch. `None` once too many watched halves of the connection were reset.
    pub(crate) fn start(&self, send: &SendStream) -> Option<StopWatch> {
        let few = self.reset_watches.load(Ordering::Relaxed) < Self::MAX_RESET_WATCHES;
        few.then(|| StopWatch(Box::pin(send.stopped())))
    }

    /// Counts a watched half that was reset.
    pub(crate) fn count_reset(&self) {
        self.reset_watches.fetch_add(1, Ordering::Relaxed);
    }
}
