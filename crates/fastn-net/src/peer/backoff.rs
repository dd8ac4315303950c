//! Exponential backoff of dials, with full jitter.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Connect;
use crate::deadline::after;

/// The upper bound of a delay doubles from `min_delay` to `max_delay`. Each delay is a random part of it (full jitter), so that
/// many dialers of one peer do not come back all at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
    /// Time of the last failure, and the end of the delay after it.
    last: Option<(Instant, Instant)>,
}

impl Backoff {
    pub(crate) fn new(connect: &Connect) -> Self {
        Self { min: connect.min_delay, max: connect.max_delay.max(connect.min_delay), failures: 0, last: None }
    }

    /// Number of consecutive failed dials.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure. `random` is from 0 to 1.
    pub(crate) fn fail(&mut self, now: Instant, random: f64) {
        let longest = self.min.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        let delay = Duration::try_from_secs_f64(longest.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(longest);
        self.last = Some((now, after(now, delay)));
    }

    /// Resets after a useful connection.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        self.last = None;
    }

    /// Time of the next dial. A request's first attempt waits only `min_delay` after the last failure.
    pub(crate) fn next(&self, now: Instant, first_attempt: bool) -> Instant {
        match self.last {
            Some((failed, _)) if first_attempt => {
                now.max(self.until().map_or(now, |until| until.min(after(failed, self.min))))
            }
            _ => now.max(self.until().unwrap_or(now)),
        }
    }

    fn until(&self) -> Option<Instant> {
        self.last.map(|(_, until)| until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONNECT: Connect = Connect {
        retries: None,
        min_delay: Duration::from_millis(100),
        max_delay: Duration::from_secs(30),
        attempt_timeout: Duration::from_secs(10),
    };

    #[test]
    fn the_delay_doubles_from_its_minimum_to_its_maximum() {
        let (mut backoff, now) = (Backoff::new(&CONNECT), Instant::now());
        let delays = (0..12).map(|_| {
            backoff.fail(now, 1.0);
            (backoff.next(now, false) - now).as_millis()
        });
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000];
        assert!(delays.eq(expected));
        assert_eq!(backoff.next(now, true) - now, CONNECT.min_delay);
        backoff.reset();
        assert_eq!((backoff.next(now, false), backoff.failures()), (now, 0));
    }

    proptest! {
        #[test]
        fn a_delay_never_exceeds_the_doubled_bound(failures in 1_u32..200, random in 0.0..1.0_f64) {
            let (mut backoff, now) = (Backoff::new(&CONNECT), Instant::now());
            for _ in 0..failures {
                backoff.fail(now, random);
            }
            let longest = Duration::from_millis(100 << (failures - 1).min(20)).min(CONNECT.max_delay);
            prop_assert!(backoff.next(now, false) - now <= longest);
            prop_assert!(backoff.next(now, true) <= backoff.next(now, false));
        }
    }
}
