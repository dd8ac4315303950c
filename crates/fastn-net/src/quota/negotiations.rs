//! Limits of streams in negotiation: without a complete header, or without a listener.
//!
//! Most streams are never counted here: their header arrives with their first packet, and they wait for nothing. A waiting stream
//! costs a task and the bytes of its header. Both are bounded per peer, and the tasks in total. A stream that waits for a queue
//! permit or an answer counts as open, and keeps its header in memory. These bytes are counted here until it is served.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::Quota;
use crate::wire::refusal::{Refusal, word};

/// Limit of one peer's streams in negotiation: the default limit of open streams on one connection.
const OF_ONE_PEER: usize = 1024;

/// Limit of all peers' streams in negotiation.
const OF_ALL: usize = 16_384;

/// The streams in negotiation of one peer, on all its connections.
#[derive(Debug)]
pub(crate) struct Negotiations {
    streams: AtomicUsize,
    /// Count of all peers.
    all: Arc<AtomicUsize>,
    header_bytes: AtomicU64,
    most_header_bytes: u64,
}

/// Counts a stream in negotiation until dropped.
#[derive(Debug)]
pub(crate) struct NegotiationPermit(Arc<Quota>);

/// Counts the header bytes of a waiting stream until dropped.
#[derive(Debug)]
pub(crate) struct HeaderBytes {
    quota: Arc<Quota>,
    count: u64,
}

/// The exceeded limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NegotiationExceeded {
    OfOnePeer,
    OfAll,
    HeaderBytes,
}

impl Negotiations {
    /// Counters of a new peer. `all` counts the streams of all peers. `most_header_bytes` limits the header bytes of this peer.
    pub(crate) fn new(all: &Arc<AtomicUsize>, most_header_bytes: u64) -> Self {
        Self { streams: AtomicUsize::new(0), all: all.clone(), header_bytes: AtomicU64::new(0), most_header_bytes }
    }
}

impl NegotiationPermit {
    pub(crate) fn begin(quota: &Arc<Quota>) -> Result<Self, NegotiationExceeded> {
        let before = quota.negotiations.streams.fetch_add(1, Ordering::Relaxed);
        let all_before = quota.negotiations.all.fetch_add(1, Ordering::Relaxed);
        // Dropping it reverts both counts.
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
    /// Counts the header of a stream that begins to wait with `count` bytes of it.
    pub(crate) fn begin(quota: &Arc<Quota>, count: usize) -> Result<Self, NegotiationExceeded> {
        let mut bytes = Self { quota: quota.clone(), count: 0 };
        bytes.add(count)?;
        Ok(bytes)
    }

    /// Counts further bytes.
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
        let (word, message) = match self {
            Self::OfOnePeer => {
                (word::TOO_MANY_STREAMS, "too many streams of one peer without a whole header: send some first")
            }
            Self::HeaderBytes => (
                word::TOO_MANY_STREAMS,
                "too many header bytes of one peer wait here: wait until some streams are served",
            ),
            Self::OfAll => (word::BUSY, "too many streams without a whole header: try again later"),
        };
        Refusal::new(word, message)
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
    fn the_header_bytes_of_one_peer_are_bounded_and_released() {
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
