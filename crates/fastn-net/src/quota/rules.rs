//! Rates of a policy's rules, for one peer.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::Bucket;
use crate::config::Rate;

/// The buckets of the rules that the peer's streams matched. A new policy starts with full ones. Bounded by the number of rules.
#[derive(Debug, Default)]
pub(super) struct RuleBuckets {
    version: u64,
    buckets: HashMap<Option<usize>, Bucket>,
}

impl RuleBuckets {
    /// Takes a token of a rule; `None`: of the policy's default.
    ///
    /// # Errors
    ///
    /// The time until a token is available.
    pub(super) fn take(&mut self, version: u64, rule: Option<usize>, rate: Rate, now: Instant) -> Result<(), Duration> {
        if self.version < version {
            *self = Self { version, ..Self::default() };
        }
        self.buckets.entry(rule).or_default().take(rate, now)
    }
}
