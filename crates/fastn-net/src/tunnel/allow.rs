//! The peers that may use an exposed service.

use std::collections::HashSet;

use crate::{
    error::{Code, Error, Result},
    identity::PublicKey,
};

/// The peers that may use an exposed service. Checked for each stream, in addition to the endpoint's access lists and authorizer. Denying
/// a peer in the access lists ends its tunnels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Every peer that the endpoint admits.
    Public,
    /// These peers.
    Peers(HashSet<PublicKey>),
}

impl Allow {
    /// Allows some peers.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for an empty list.
    pub fn peers(peers: impl IntoIterator<Item = PublicKey>) -> Result<Self> {
        let peers: HashSet<_> = peers.into_iter().collect();
        if peers.is_empty() {
            let text =
                "no peer is allowed, so no peer could use the service: list its peers, or allow all with Allow::Public";
            return Err(Error::new(Code::InvalidArgument, text));
        }
        Ok(Self::Peers(peers))
    }

    /// Whether this peer may use the service.
    #[must_use]
    pub fn admits(&self, peer: &PublicKey) -> bool {
        match self {
            Self::Public => true,
            Self::Peers(peers) => peers.contains(peer),
        }
    }
}
