//! Whether the peer stopped our sending half.

use iroh::endpoint::VarInt;

use crate::connection::stop_watch::StopWatch;

/// What is known of the peer's stop of a sending half.
#[derive(Debug, Default)]
pub(crate) enum Stop {
    /// Nothing: nobody looks.
    #[default]
    Unwatched,
    /// Whoever polled it last is woken by it.
    Watched(StopWatch),
    /// It came while nobody wrote: the half was reset, and whoever writes next must hear why.
    Unheard(VarInt),
    /// It came, and the writer knows.
    Heard(VarInt),
}

impl Stop {
    /// The peer's code, once it stopped the half.
    pub(crate) fn code(&self) -> Option<VarInt> {
        match self {
            Self::Unheard(code) | Self::Heard(code) => Some(*code),
            Self::Unwatched | Self::Watched(_) => None,
        }
    }

    /// There is nobody left who must hear of it.
    pub(crate) fn hear(&mut self) {
        if let Self::Unheard(code) = self {
            *self = Self::Heard(*code);
        }
    }
}
