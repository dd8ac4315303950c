//! Status of a peer, published by its actor.

use std::time::Instant;

use super::failures::Failures;
use crate::error::Error;

/// Status of a peer, as last published by its actor.
#[derive(Clone, Debug, Default)]
pub struct PeerStatus {
    /// Current activity of the actor.
    pub state: PeerState,
    /// Error of the last failed dial or lost connection. `None` while connected.
    pub last_error: Option<Error>,
    /// Time of the next dial, while it backs off.
    pub next_retry: Option<Instant>,
    /// Failed dials since the last connection, or since the first request.
    pub attempts: u32,
    /// The peer is kept connected.
    pub kept: bool,
    /// The failure behind `last_error`, kept while a connection is there.
    pub(crate) failure: Option<Failure>,
    /// The reasons of earlier failures too.
    pub(crate) failures: Failures,
}

/// Why the last dial failed, or the last connection was lost.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// When the dial failed, or the lost connection was made.
    pub(crate) attempted_at: Instant,
}

/// The states of a peer's actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PeerState {
    /// No connection and no request for one.
    #[default]
    Idle,
    /// A dial is under way.
    Dialling,
    /// There is a connection to open streams on.
    Connected,
    /// The last dial failed; the next one waits.
    BackingOff,
    /// The endpoint was closed.
    Closed,
}

impl PeerState {
    /// The state as one word, the same in every language.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Dialling => "dialling",
            Self::Connected => "connected",
            Self::BackingOff => "backing-off",
            Self::Closed => "closed",
        }
    }
}
