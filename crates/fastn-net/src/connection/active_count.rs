//! Counts the streams and guards that use a connection, and closes it to new ones.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

/// A callback into the peer's actor.
pub(crate) type Alarm = Box<dyn Fn() + Send + Sync>;

/// Number of active streams and guards of a connection, and whether it accepts new ones. One atomic holds both. So nothing
/// becomes active between the last release and the close, and a use costs one atomic operation.
#[derive(Default)]
pub(crate) struct ActiveCount {
    state: AtomicUsize,
    empty: Notify,
    activity_alarm: OnceLock<Alarm>,
    /// The threshold alarm is raised once for a higher count. 0 while it is disarmed.
    threshold: AtomicUsize,
    threshold_alarm: OnceLock<Alarm>,
}

/// Bit set once the connection is unused and refuses new use.
const SHUT: usize = 1 << (usize::BITS - 1);

/// Bit set when the peer's actor found the connection unused: the next use raises the activity alarm.
const WAKE_ARMED: usize = 1 << (usize::BITS - 2);

const COUNT: usize = WAKE_ARMED - 1;

impl ActiveCount {
    /// Counts one more, until [`ActiveCount::release`]. Returns false once the connection is shut.
    pub(crate) fn acquire(&self) -> bool {
        let acquire = |state| (state & SHUT == 0).then_some((state & !WAKE_ARMED) + 1);
        // Sequentially consistent with `arm_threshold`: one of the two sees the other.
        let before = self.state.fetch_update(Ordering::SeqCst, Ordering::Acquire, acquire);
        if before.is_ok_and(|state| state & WAKE_ARMED != 0)
            && let Some(alarm) = self.activity_alarm.get()
        {
            alarm();
        }
        let threshold = self.threshold.load(Ordering::SeqCst);
        if threshold > 0
            && before.is_ok_and(|state| state & COUNT >= threshold)
            && self.threshold.swap(0, Ordering::AcqRel) > 0
            && let Some(alarm) = self.threshold_alarm.get()
        {
            alarm();
        }
        before.is_ok()
    }

    pub(crate) fn release(&self) {
        if (self.state.fetch_sub(1, Ordering::AcqRel) & COUNT) == 1 {
            self.empty.notify_waiters();
        }
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.state.load(Ordering::Acquire) & SHUT != 0
    }

    pub(crate) fn count(&self) -> usize {
        self.state.load(Ordering::Acquire) & COUNT
    }

    /// Sets the alarm for the first use after the connection was found unused. Call once.
    pub(crate) fn set_activity_alarm(&self, alarm: Alarm) {
        let _ = self.activity_alarm.set(alarm);
    }

    /// Sets the alarm of [`ActiveCount::arm_threshold`]. Call once.
    pub(crate) fn set_threshold_alarm(&self, alarm: Alarm) {
        let _ = self.threshold_alarm.set(alarm);
    }

    /// Arms the threshold alarm: raised once when the count exceeds `threshold`, which must not be 0. Returns false if the
    /// count already exceeds it.
    pub(crate) fn arm_threshold(&self, threshold: usize) -> bool {
        self.threshold.store(threshold, Ordering::SeqCst);
        if self.state.load(Ordering::SeqCst) & COUNT <= threshold {
            return true;
        }
        // A concurrent `acquire` may have raised the alarm already.
        self.threshold.swap(0, Ordering::AcqRel) == 0
    }

    /// Returns the count. At 0, arms the alarm for the next use.
    pub(crate) fn arm_activity_wake(&self) -> usize {
        let arm = |state| (state & COUNT == 0).then_some(state | WAKE_ARMED);
        match self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, arm) {
            Ok(_) => 0,
            Err(state) => state & COUNT,
        }
    }

    /// Refuses all new use if the connection is unused. Returns whether it was.
    pub(crate) fn try_shut(&self) -> bool {
        let shut = |state| (state & COUNT == 0).then_some(SHUT);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, shut).is_ok()
    }

    /// Waits until the connection is unused, then refuses all new use. Cancel-safe.
    pub(crate) async fn shut_when_unused(&self) {
        loop {
            let empty = self.empty.notified();
            if self.try_shut() {
                return;
            }
            empty.await;
        }
    }
}

impl fmt::Debug for ActiveCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveCount").field("count", &self.count()).field("shut", &self.is_shut()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// An alarm, and how often it was raised.
    fn counted() -> (Arc<AtomicUsize>, Alarm) {
        let raised = Arc::new(AtomicUsize::new(0));
        let counter = raised.clone();
        let alarm = move || {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        (raised, Box::new(alarm))
    }

    #[test]
    fn a_used_connection_is_not_shut_and_a_shut_one_is_not_used() {
        let active = ActiveCount::default();
        assert!(active.acquire() && active.acquire());
        assert!(!active.try_shut());
        active.release();
        assert_eq!((active.count(), active.try_shut()), (1, false));
        active.release();
        assert!(active.try_shut() && active.is_shut());
        assert!(!active.acquire());
        assert_eq!(active.count(), 0);
    }

    #[test]
    fn the_threshold_alarm_is_raised_once() {
        let (active, (raised, alarm)) = (ActiveCount::default(), counted());
        active.set_threshold_alarm(alarm);
        let acquire = || {
            assert!(active.acquire());
            raised.load(Ordering::Relaxed)
        };
        assert_eq!((acquire(), active.arm_threshold(2)), (0, true));
        assert_eq!((acquire(), acquire(), acquire()), (0, 1, 1));
        assert!(!active.arm_threshold(3));
        assert_eq!((acquire(), active.arm_threshold(5), acquire()), (1, true, 2));
    }

    #[test]
    fn only_the_first_use_after_arming_raises_the_activity_alarm() {
        let (active, (raised, alarm)) = (ActiveCount::default(), counted());
        active.set_activity_alarm(alarm);
        assert!(active.acquire());
        assert_eq!((active.arm_activity_wake(), raised.load(Ordering::Relaxed)), (1, 0));
        active.release();
        assert_eq!(active.arm_activity_wake(), 0);
        assert!(active.acquire() && active.acquire());
        assert_eq!((active.count(), raised.load(Ordering::Relaxed)), (2, 1));
    }
}
