//! Streams that are not counted as open yet: their header is not whole, or it is not known who serves them.
//!
//! Most streams are never counted here: their header comes with their first packet, and they wait for nothing. One that must wait
//! costs a task and the bytes of its header, so both are bounded for one peer and tasks for all of them. A stream that waits
//! for a place or an answer is counted as open by then, and keeps its header: these bytes are counted here until it is served.

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
pub(crate) struct NegotiationPermit(Arc<Quota>);

/// The header bytes that a waiting stream holds, until this is dropped.
#[derive(Debug)]
pub(crate) struct HeaderBytes {
    quota: Arc<Quota>,
    count: u64,
}

/// Which bound one more stream, or byte, would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NegotiationExceeded {
    OfOnePeer,
    OfAll,
    HeaderBytes,
}

impl Negotiations {
    /// Of a new peer. `all` counts those of all peers, `most_header_bytes` bounds the headers of this one.
    pub(crate) fn new(all: &Arc<AtomicUsize>, most_header_bytes: u64) -> Self {
        Self { streams: AtomicUsize::new(0), all: all.clone(), header_bytes: AtomicU64::new(0), most_header_bytes }
    }
}

impl NegotiationPermit {
    pub(crate) fn begin(quota: &Arc<Quota>) -> Result<Self, NegotiationExceeded> {
        let before = quota.negotiations.streams.fetch_add(1, Ordering::Relaxed);
        let all_before = quota.negotiations.all.fetch_add(1, Ordering::Relaxed);
        // Dropping it undoes both.
        let negotiation = Self(quota.clone());
        if before >= OF_ONE_PEER {
            return Err(NegotiationExceeded::OfOnePeer);
        }
        if all_before >= OF_ALL {
            return Err(NegotiationExceeded::OfAll);
        }
        Ok(negotiation)
    }
}

impl HeaderBytes {
    /// For a stream that begins to wait, and holds `count` bytes by then.
    pub(crate) fn begin(quota: &Arc<Quota>, count: usize) -> Result<Self, NegotiationExceeded> {
        let mut bytes = Self { quota: quota.clone(), count: 0 };
        bytes.add(count)?;
        Ok(bytes)
    }

    /// Counts further bytes. QUIC has given the peer room for others in their place.
    pub(crate) fn add(&mut self, count: usize) -> Result<(), NegotiationExceeded> {
        let count = count as u64;
        self.count += count;
        let before = self.quota.negotiations.header_bytes.fetch_add(count, Ordering::Relaxed);
        if before + count > self.quota.negotiations.most_header_bytes {
            Err(NegotiationExceeded::HeaderBytes)
        } else {
            Ok(())
        }
    }
}

impl Drop for NegotiationPermit {
    fn drop(&mut self) {
        self.0.negotiations.streams.fetch_sub(1, Ordering::Relaxed);
        self.0.negotiations.all.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for HeaderBytes {
    fn drop(&mut self) {
        self.quota.negotiations.header_bytes.fetch_sub(self.count, Ordering::Relaxed);
    }
}

impl NegotiationExceeded {
    pub(crate) fn refusal(self) -> Refusal {
        let (code, message) = match self {
            Self::OfOnePeer => {
                (code::TOO_MANY_STREAMS, "too many streams of one peer without a whole header: send some first")
            }
            Self::HeaderBytes => (
                code::TOO_MANY_STREAMS,
                "too many header bytes of one peer wait here: wait until some streams are served",
            ),
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

    fn begun(peer: &Arc<Quota>) -> Vec<NegotiationPermit> {
        (0..2 * OF_ONE_PEER).filter_map(|_| NegotiationPermit::begin(peer).ok()).collect()
    }

    #[test]
    fn streams_in_negotiation_are_bounded_for_one_peer_and_for_all() {
        let all = Arc::default();
        let peers: Vec<Arc<Quota>> = (0..20).map(|_| peer(&all, 0)).collect();
        let held: Vec<Vec<NegotiationPermit>> = peers.iter().map(begun).collect();
        assert_eq!(held[0].len(), OF_ONE_PEER);
        assert_eq!(NegotiationPermit::begin(&peers[0]).expect_err("one peer"), NegotiationExceeded::OfOnePeer);
        assert_eq!(held.iter().map(Vec::len).sum::<usize>(), OF_ALL);
        assert_eq!(NegotiationPermit::begin(&peer(&all, 0)).expect_err("all peers"), NegotiationExceeded::OfAll);
        drop(held);
        assert_eq!(all.load(Ordering::Relaxed), 0);
        assert!(NegotiationPermit::begin(&peers[0]).is_ok());
    }

    #[test]
    fn the_header_bytes_of_one_peer_are_bounded_and_given_back() {
        let peer = peer(&Arc::default(), 10);
        let mut one = HeaderBytes::begin(&peer, 6).expect("room");
        let mut other = HeaderBytes::begin(&peer, 4).expect("room");
        assert_eq!(other.add(1), Err(NegotiationExceeded::HeaderBytes));
        assert_eq!(HeaderBytes::begin(&peer, 1).expect_err("full"), NegotiationExceeded::HeaderBytes);
        drop(other);
        assert_eq!(one.add(4), Ok(()));
        drop(one);
        assert_eq!(peer.negotiations.header_bytes.load(Ordering::Relaxed), 0);
    }
}
