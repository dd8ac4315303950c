//! Changes of peers, for whoever watches them.

use crate::{identity::PublicKey, shared::Shared};

/// Something changed about a peer: its state, its preferred connection, or one of its connections was lost.
/// Called from the peer's actor; [`crate::Peer::status`] tells the rest. Must not wait.
pub(crate) fn changed(_shared: &Shared, _peer: &PublicKey) {}
