//! Deadlines from time limits of any length, and times as text.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

/// Stands for "never". The clocks of some systems cannot represent much more.
pub(crate) const NEVER: Duration = Duration::from_hours(24 * 365 * 30);

/// The moment `time` after `start`. Falls back to 30 years for a time that no clock can represent, such as [`Duration::MAX`].
pub(crate) fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time.min(NEVER)).unwrap_or(start)
}

/// Runs a future within a time limit; `None` when it is not ready in time. A limit of zero polls it once: a timer would grant it up
/// to a millisecond.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    if limit.is_zero() { future.now_or_never() } else { timeout(limit, future).await.ok() }
}

/// A time limit in words: "300 ms", "2.5 s".
pub(crate) fn limit_text(limit: Duration) -> String {
    // A remaining time can have many digits.
    brief(limit).unwrap_or_else(|| format!("{} s", (limit.as_secs_f64() * 1000.0).round() / 1000.0))
}

/// An elapsed time in words: "300 ms", "2.0 s".
pub(crate) fn elapsed_text(elapsed: Duration) -> String {
    brief(elapsed).unwrap_or_else(|| format!("{:.1} s", elapsed.as_secs_f64()))
}

/// A time below a second, in milliseconds, rounded up.
fn brief(time: Duration) -> Option<String> {
    (time < Duration::from_secs(1)).then(|| format!("{} ms", time.as_micros().div_ceil(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_below_a_second_are_in_milliseconds() {
        for (micros, limit, elapsed) in [
            (0, "0 ms", "0 ms"),
            (1, "1 ms", "1 ms"),
            (300_000, "300 ms", "300 ms"),
            (1_000_000, "1 s", "1.0 s"),
            (2_500_000, "2.5 s", "2.5 s"),
            (29_999_981, "30 s", "30.0 s"),
        ] {
            let time = Duration::from_micros(micros);
            assert_eq!((limit_text(time).as_str(), elapsed_text(time).as_str()), (limit, elapsed));
        }
    }

    #[tokio::test]
    async fn a_limit_of_zero_returns_only_a_ready_result() {
        assert_eq!(within(Duration::ZERO, async { 5 }).await, Some(5));
        assert_eq!(within(Duration::ZERO, tokio::task::yield_now()).await, None);
        assert_eq!(within(Duration::MAX, tokio::task::yield_now()).await, Some(()));
    }

    #[test]
    fn any_duration_gives_a_deadline() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::from_secs(3)), now + Duration::from_secs(3));
        assert_eq!(after(now, Duration::MAX), now + NEVER);
        assert_eq!(after(after(now, Duration::MAX), Duration::MAX), now + NEVER + NEVER);
    }
}
