//! Streams that are not counted as open yet: their header is not whole, or it is not known who serves them.
//!
//! Most streams are never counted here, for their header comes with their first packet. One that must wait costs a task and the
//! bytes of its header, so both are bounded for one peer and tasks for all of them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::Quota;
use crate::wire::refusal::{Refusal, code};

/// Streams of one peer in negotiation: as many as one connection may have open by default.
const OF_ONE_PEER: usize = 1024;

/// Streams of all peers in negotiation.
const OF_ALL: usize = 16_384;

/// What one peer has in negotiation, on all its connections.
#[derive(Debug)]
pub(crate) struct Negotiations {
    streams: AtomicUsize,
    /// Of all peers.
    all: Arc<AtomicUsize>,
    header_bytes: AtomicU64,
    most_header_bytes: u64,
}

/// A stream in negotiation, until this is dropped.
#[derive(Debug)]
pub(crate) struct Negotiation {
    quota: Arc<Quota>,
    header_bytes: u64,
}

/// Which bound one more stream, or byte, would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exceeded {
    OfOnePeer,
    OfAll,
}

impl Negotiations {
    /// Of a new peer. `all` counts those of all peers, `most_header_bytes` bounds the headers of this one.
    pub(crate) fn new(all: &Arc<AtomicUsize>, most_header_bytes: u64) -> Self {
        Self { streams: AtomicUsize::new(0), all: all.clone(), header_bytes: AtomicU64::new(0), most_header_bytes }
    }
}

impl Negotiation {
    pub(super) fn begin(quota: &Arc<Quota>) -> Result<Self, Exceeded> {
        let before = quota.negotiations.streams.fetch_add(1, Ordering::Relaxed);
        let all_before = quota.negotiations.all.fetch_add(1, Ordering::Relaxed);
        // Dropping it undoes both.
        let negotiation = Self { quota: quota.clone(), header_bytes: 0 };
        if before >= OF_ONE_PEER {
            return Err(Exceeded::OfOnePeer);
        }
        if all_before >= OF_ALL {
            return Err(Exceeded::OfAll);
        }
        Ok(negotiation)
    }

    /// Counts bytes of an unfinished header. QUIC has given the peer room for others in their place.
    pub(crate) fn buffered(&mut self, bytes: usize) -> Result<(), Refusal> {
        let bytes = bytes as u64;
        self.header_bytes += bytes;
        let before = self.quota.negotiations.header_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.quota.negotiations.most_header_bytes {
            return Err(Exceeded::OfOnePeer.refusal());
        }
        Ok(())
    }
}

impl Drop for Negotiation {
    fn drop(&mut self) {
        let Negotiations { streams, all, header_bytes, .. } = &self.quota.negotiations;
        streams.fetch_sub(1, Ordering::Relaxed);
        all.fetch_sub(1, Ordering::Relaxed);
        header_bytes.fetch_sub(self.header_bytes, Ordering::Relaxed);
    }
}

impl Exceeded {
    pub(super) fn refusal(self) -> Refusal {
        let (code, message) = match self {
            Self::OfOnePeer => {
                (code::TOO_MANY_STREAMS, "too many streams of one peer without a whole header: send some first")
            }
            Self::OfAll => (code::BUSY, "too many streams without a whole header: try again later"),
        };
        Refusal { code: code.to_owned(), message: message.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(all: &Arc<AtomicUsize>, most_header_bytes: u64) -> Arc<Quota> {
        Quota::new(&Arc::default(), Negotiations::new(all, most_header_bytes))
    }

    fn begun(peer: &Arc<Quota>) -> Vec<Negotiation> {
        (0..2 * OF_ONE_PEER).filter_map(|_| Negotiation::begin(peer).ok()).collect()
    }

    #[test]
    fn streams_in_negotiation_are_bounded_for_one_peer_and_for_all() {
        let all = Arc::default();
        let peers: Vec<Arc<Quota>> = (0..20).map(|_| peer(&all, 0)).collect();
        let held: Vec<Vec<Negotiation>> = peers.iter().map(begun).collect();
        assert_eq!(held[0].len(), OF_ONE_PEER);
        assert_eq!(Negotiation::begin(&peers[0]).expect_err("one peer"), Exceeded::OfOnePeer);
        assert_eq!(held.iter().map(Vec::len).sum::<usize>(), OF_ALL);
        assert_eq!(Negotiation::begin(&peer(&all, 0)).expect_err("all peers"), Exceeded::OfAll);
        drop(held);
        assert_eq!(all.load(Ordering::Relaxed), 0);
        assert!(Negotiation::begin(&peers[0]).is_ok());
    }

    #[test]
    fn the_header_bytes_of_one_peer_are_bounded_and_given_back() {
        let peer = peer(&Arc::default(), 10);
        let mut one = Negotiation::begin(&peer).expect("room");
        let mut other = Negotiation::begin(&peer).expect("room");
        assert!(one.buffered(6).is_ok() && other.buffered(4).is_ok());
        assert_eq!(other.buffered(1).expect_err("full").code, code::TOO_MANY_STREAMS);
        drop(other);
        assert!(one.buffered(4).is_ok());
        drop(one);
        assert_eq!(peer.negotiations.header_bytes.load(Ordering::Relaxed), 0);
    }
}
