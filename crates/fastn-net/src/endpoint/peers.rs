//! The peers that an endpoint remembers, each with its actor: bounded, the quietest are forgotten first.

use std::{collections::HashMap, sync::Arc};

use super::{EndpointInner, accept::SHUTDOWN};
use crate::{
    authorization::Rejection,
    config::PeerAddress,
    error::{Code, Error, Result},
    identity::PublicKey,
    peer::{Message, Peer},
    wire::codes::close,
};

/// Peers beyond the number of connections that this side may talk to. Those that connect have no part in them.
const OWN: usize = 1024;

const FULL: Rejection = Rejection { code: close::LIMIT, reason: "too many peers" };

impl EndpointInner {
    /// The peer with this key, which this side wants something of.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED`, and `ERR_BUSY` when too many peers are in use.
    pub(crate) fn peer(self: &Arc<Self>, id: PublicKey) -> Result<Arc<Peer>> {
        let mut peers = self.peers();
        // Asked under the lock: a peer that is made now is one that closing tells.
        if self.is_closing() {
            return Err(Error::closed());
        }
        let most = self.limits().connections.saturating_add(self.config().peers.len()).saturating_add(OWN);
        self.remember(&mut peers, id, most).ok_or_else(|| {
            let text = format!("this endpoint has {most} peers in use, which is its limit: release some first");
            Error::new(Code::Busy, text)
        })
    }

    /// The peer with this key, which has made a connection.
    pub(crate) fn inbound_peer(self: &Arc<Self>, id: PublicKey) -> Result<Arc<Peer>, Rejection> {
        let mut peers = self.peers();
        if self.is_closing() {
            return Err(SHUTDOWN);
        }
        let most = self.limits().connections.saturating_add(self.config().peers.len());
        self.remember(&mut peers, id, most).ok_or(FULL)
    }

    /// `None` when there are `most` and all of them are in use.
    fn remember(
        self: &Arc<Self>,
        peers: &mut HashMap<PublicKey, Arc<Peer>>,
        id: PublicKey,
        most: usize,
    ) -> Option<Arc<Peer>> {
        if let Some(peer) = peers.get(&id) {
            return Some(peer.clone());
        }
        if peers.len() >= most {
            let quiet = peers.values().filter(|peer| Peer::is_quiet(peer));
            let quietest = quiet.min_by_key(|peer| peer.active_at())?.clone();
            peers.remove(&quietest.id());
            self.watchers.gone(&quietest.id());
            quietest.tell(Message::Shutdown);
        }
        self.changed(&id);
        let mut address = PeerAddress::new(id);
        self.config().peers.iter().filter(|known| known.id == id).for_each(|known| _ = address.merge(known));
        let peer = Peer::start(self, address);
        peers.insert(id, peer.clone());
        Some(peer)
    }
}
