//! A peer that is kept connected.

use std::sync::{Arc, atomic::Ordering};

use super::{Message, Peer};
use crate::error::{Error, Result};

/// Keeps a peer connected, and comes back by itself when the connection is lost, until this is dropped. The
/// connection is not closed for idleness meanwhile. What goes wrong shows in [`Peer::status`].
#[derive(Debug)]
pub struct Keep(Arc<Peer>);

impl Keep {
    pub(crate) fn new(peer: &Arc<Peer>) -> Result<Self> {
        if peer.mailbox.is_closed() {
            return Err(Error::closed());
        }
        peer.keeps.fetch_add(1, Ordering::AcqRel);
        peer.tell(Message::Keeps);
        Ok(Self(peer.clone()))
    }

    /// Whom it keeps.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.0
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        self.0.keeps.fetch_sub(1, Ordering::AcqRel);
        self.0.tell(Message::Keeps);
    }
}
