//! Quotas of peers: open streams, their rate, and streams in negotiation.
//!
//! - `bucket`: a token bucket
//! - `rules`: rates of a policy's rules
//! - `negotiations`: streams in negotiation, which are not counted as open yet

mod bucket;
mod negotiations;
mod rules;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) use self::bucket::Bucket;
pub(crate) use self::negotiations::{HeaderBytes, NegotiationExceeded, NegotiationPermit, Negotiations};
use self::rules::RuleBuckets;
use crate::config::Rate;

/// Open streams of a peer on all its connections, and their rate. Lives as long as the peer's actor, so a new connection does not
/// reset it.
#[derive(Debug)]
pub(crate) struct Quota {
    open_streams: AtomicUsize,
    /// The streams of all peers.
    all: Arc<AtomicUsize>,
    bucket: Mutex<Bucket>,
    rules: Mutex<RuleBuckets>,
    negotiations: Negotiations,
}

/// Limits of open streams, and their rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamBounds {
    /// Open streams of one peer.
    pub(crate) per_peer: usize,
    /// Open streams of all peers.
    pub(crate) total: usize,
    /// Rate of new streams of one peer.
    pub(crate) rate: Option<Rate>,
}

/// The exceeded limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    OfOnePeer,
    OfAll,
    Rate(Rate, Duration),
}

/// Counts one open stream until dropped.
#[derive(Debug)]
pub(crate) struct StreamPermit(Arc<Quota>);

impl Quota {
    /// Quota of a new peer. `all` counts the streams of all peers.
    pub(crate) fn new(all: &Arc<AtomicUsize>, negotiations: Negotiations) -> Arc<Self> {
        let (open_streams, all) = (AtomicUsize::new(0), all.clone());
        Arc::new(Self { open_streams, all, bucket: Mutex::default(), rules: Mutex::default(), negotiations })
    }

    /// Takes a token of the rate of a policy's rule. `version` is the policy's.
    ///
    /// # Errors
    ///
    /// The time until a token is available.
    pub(crate) fn take_of_rule(
        &self,
        version: u64,
        rule: Option<usize>,
        rate: Rate,
        now: Instant,
    ) -> Result<(), Duration> {
        self.rules.lock().expect("no panic while held").take(version, rule, rate, now)
    }

    /// Counts one more stream.
    pub(crate) fn take(
        self: &Arc<Self>,
        bounds: &StreamBounds,
        now: impl FnOnce() -> Instant,
    ) -> Result<StreamPermit, Exceeded> {
        // The permit reverts both counts when dropped. Nothing else reads them.
        let before = self.open_streams.fetch_add(1, Ordering::Relaxed);
        let all_before = self.all.fetch_add(1, Ordering::Relaxed);
        let permit = StreamPermit(self.clone());
        if before >= bounds.per_peer {
            return Err(Exceeded::OfOnePeer);
        }
        if all_before >= bounds.total {
            return Err(Exceeded::OfAll);
        }
        if let Some(rate) = bounds.rate {
            let taken = self.bucket.lock().expect("no panic while held").take(rate, now());
            taken.map_err(|wait| Exceeded::Rate(rate, wait))?;
        }
        Ok(permit)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.0.open_streams.fetch_sub(1, Ordering::Relaxed);
        self.0.all.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(all: &Arc<AtomicUsize>) -> Arc<Quota> {
        Quota::new(all, Negotiations::new(&Arc::default(), 0))
    }

    #[test]
    fn a_released_permit_can_be_taken_again() {
        let all = Arc::default();
        let (one, other) = (new(&all), new(&all));
        let bounds = StreamBounds { per_peer: 2, total: 3, rate: None };
        let take = |quota: &Arc<Quota>| quota.take(&bounds, Instant::now);
        let mut held = vec![take(&one).expect("permit"), take(&one).expect("permit")];
        assert_eq!(take(&one).expect_err("two"), Exceeded::OfOnePeer);
        held.push(take(&other).expect("permit"));
        assert_eq!(take(&other).expect_err("three"), Exceeded::OfAll);
        held.clear();
        assert!(take(&one).is_ok() && take(&other).is_ok());
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_rate_limited_stream_holds_no_permit() {
        let all = Arc::default();
        let quota = new(&all);
        let rate = Rate { per_second: 1, burst: 1 };
        let bounds = StreamBounds { per_peer: 9, total: 9, rate: Some(rate) };
        let now = Instant::now();
        drop(quota.take(&bounds, || now).expect("permit"));
        let exceeded = quota.take(&bounds, || now).expect_err("too fast");
        assert_eq!(exceeded, Exceeded::Rate(rate, Duration::from_secs(1)));
        assert_eq!((quota.open_streams.load(Ordering::Relaxed), all.load(Ordering::Relaxed)), (0, 0));
    }
}
