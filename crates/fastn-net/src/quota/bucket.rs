//! A token bucket. The caller passes the time.

use std::time::{Duration, Instant};

use crate::config::Rate;

/// A token bucket, stored as the time at which it is full again.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes one token.
    ///
    /// # Errors
    ///
    /// The time until a token is available.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let one = Duration::from_secs(1) / rate.per_second.max(1);
        let most = one * rate.burst.max(1);
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + one;
        match (full_at - now).checked_sub(most) {
            None | Some(Duration::ZERO) => {
                self.full_at = Some(full_at);
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_is_followed_by_single_tokens() {
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        let mut at = |ms| bucket.take(RATE, start + Duration::from_millis(ms)).map_err(|wait| wait.as_millis());
        assert_eq!([at(0), at(0), at(0), at(0)], [Ok(()), Ok(()), Ok(()), Err(100)]);
        assert_eq!([at(99), at(100), at(100)], [Err(1), Ok(()), Err(100)]);
        assert_eq!([at(10_000), at(10_000), at(10_000), at(10_000)], [Ok(()), Ok(()), Ok(()), Err(100)]);
    }

    proptest! {
        #[test]
        fn waiting_the_returned_time_yields_a_token_and_no_interval_exceeds_the_rate(
            per_second in 1u32..10_000,
            burst in 1u32..50,
            gaps in prop::collection::vec(0u64..2_000_000_000, 1..200),
        ) {
            let (rate, start) = (Rate { per_second, burst }, Instant::now());
            let one = Duration::from_secs(1) / per_second;
            let (mut bucket, mut now, mut given) = (Bucket::default(), start, Vec::new());
            for gap in gaps {
                // Mostly close together, where it matters.
                now += Duration::from_nanos(gap) / if gap % 4 == 0 { 1 } else { 4 * per_second };
                if let Err(wait) = bucket.take(rate, now) {
                    prop_assert!(wait <= one);
                    now += wait;
                    prop_assert_eq!(bucket.take(rate, now), Ok(()));
                }
                given.push(now);
            }
            for (first, from) in given.iter().enumerate() {
                for (last, to) in given.iter().enumerate().skip(first) {
                    let share = u128::from(burst) + (*to - *from).as_nanos() / one.as_nanos();
                    prop_assert!((last - first + 1) as u128 <= share);
                }
            }
        }
    }
}
