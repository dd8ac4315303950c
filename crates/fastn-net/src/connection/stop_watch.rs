//! Whether the peer wants no more of a sending half that stays open.
//!
//! QUIC answers a STOP with a RESET, and until that is acknowledged the stream keeps its place (docs/wire.md, Releasing
//! a stream). A half that is written or finished hears of the stop by itself; one that is left open must be watched.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use iroh::endpoint::{SendStream, VarInt};

use super::finishing::Acknowledged;

/// A half that is watched.
pub(crate) struct StopWatch(Acknowledged);

impl StopWatch {
    /// The peer's stop code; `None` once there is nothing left to stop.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<VarInt>> {
        self.0.as_mut().poll(cx).map(|stopped| stopped.ok().flatten())
    }
}

impl fmt::Debug for StopWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopWatch")
    }
}

/// The watches of one connection.
#[derive(Debug, Default)]
pub(crate) struct StopWatches {
    left_behind: AtomicUsize,
}

impl StopWatches {
    /// noq keeps some 80 bytes for each stream that was watched and then reset without a stop, as long as the connection lives.
    const MOST_LEFT_BEHIND: usize = 16 * 1024;

    /// `None` on a connection with too many watched halves that were reset.
    pub(crate) fn start(&self, send: &SendStream) -> Option<StopWatch> {
        let few = self.left_behind.load(Ordering::Relaxed) < Self::MOST_LEFT_BEHIND;
        few.then(|| StopWatch(Box::pin(send.stopped())))
    }

    /// A half that was watched is reset.
    pub(crate) fn leave_behind(&self) {
        self.left_behind.fetch_add(1, Ordering::Relaxed);
    }
}
