//! Watches whether the peer stops a sending half that stays open.
//!
//! QUIC answers a stop with a reset. The stream keeps its slot until the reset is acknowledged (docs/wire.md, Releasing
//! a stream). A write or finish notices a stop. A half that stays open without writes must be watched.

use std::{
    fmt,
    task::{Context, Poll},
};

use iroh::endpoint::{SendStream, VarInt};

use super::deliveries::Delivery;

/// A watched sending half.
pub(crate) struct PeerStopWatch(Delivery);

impl PeerStopWatch {
    /// Starts a watch. noq keeps about 80 bytes for it until the half is stopped, finished or reset, and the peer has acknowledged that.
    pub(crate) fn new(send: &SendStream) -> Self {
        Self(Box::pin(send.stopped()))
    }

    /// The peer's stop code; `None` once the half can no longer be stopped.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<VarInt>> {
        self.0.as_mut().poll(cx).map(|stopped| stopped.ok().flatten())
    }
}

impl fmt::Debug for PeerStopWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerStopWatch")
    }
}
