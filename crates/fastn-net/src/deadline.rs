//! Deadlines from time limits of any length.

use std::time::Duration;

use tokio::time::Instant;

/// Stands for "never". The clocks of some systems cannot represent much more.
const NEVER: Duration = Duration::from_hours(24 * 365 * 30);

/// The moment `time` after `start`. Falls back to 30 years for a time that no clock can represent, such as [`Duration::MAX`].
pub(crate) fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time.min(NEVER)).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_duration_gives_a_deadline() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::from_secs(3)), now + Duration::from_secs(3));
        assert_eq!(after(now, Duration::MAX), now + NEVER);
        assert_eq!(after(after(now, Duration::MAX), Duration::MAX), now + NEVER + NEVER);
    }
}
