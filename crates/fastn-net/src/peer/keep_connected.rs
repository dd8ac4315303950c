//! A peer that is kept connected.

use std::sync::{Arc, atomic::Ordering};

use super::{Message, Peer};
use crate::error::{Error, Result};

/// Keeps a peer connected until dropped: redials whenever the connection is lost. The idle timeout does not close the connection
/// meanwhile. Failures show in [`Peer::status`].
#[derive(Debug)]
pub struct KeepConnected(Arc<Peer>);

impl KeepConnected {
    pub(crate) fn new(peer: &Arc<Peer>) -> Result<Self> {
        if peer.mailbox.is_closed() {
            return Err(Error::closed());
        }
        peer.keeps.fetch_add(1, Ordering::AcqRel);
        peer.tell(Message::KeepCountChanged);
        Ok(Self(peer.clone()))
    }

    /// The kept peer.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.0
    }
}

impl Drop for KeepConnected {
    fn drop(&mut self) {
        self.0.keeps.fetch_sub(1, Ordering::AcqRel);
        self.0.tell(Message::KeepCountChanged);
    }
}
