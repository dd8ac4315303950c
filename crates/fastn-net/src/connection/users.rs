//! How many use a connection, and whether it may still be used.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

/// Called when an unused connection is used again.
pub(crate) type Alarm = Box<dyn Fn() + Send + Sync>;

/// The streams and views that use a connection, and whether it may still be used: one number, so that nothing slips in
/// between the last use and the close, and so that a use costs one atomic operation.
#[derive(Default)]
pub(crate) struct Users {
    count: AtomicUsize,
    empty: Notify,
    alarm: OnceLock<Alarm>,
    /// The alarm is raised once for more users than this. 0 while no alarm is wanted.
    crowd: AtomicUsize,
    crowd_alarm: OnceLock<Alarm>,
}

/// Nothing uses the connection any more, and nothing may.
const RETIRED: usize = 1 << (usize::BITS - 1);

/// Bit set when the peer's actor found the connection unused: the next use raises the alarm.
const WAKE_ARMED: usize = 1 << (usize::BITS - 2);

const COUNT: usize = WAKE_ARMED - 1;

impl Users {
    /// Counts one more, until [`Users::leave`]; false once the connection is retired.
    pub(crate) fn enter(&self) -> bool {
        let enter = |count| (count & RETIRED == 0).then_some((count & !WAKE_ARMED) + 1);
        // In one order with `watch_crowd`: one of the two sees the other.
        let entered = self.count.fetch_update(Ordering::SeqCst, Ordering::Acquire, enter);
        if entered.is_ok_and(|count| count & WAKE_ARMED != 0)
            && let Some(alarm) = self.alarm.get()
        {
            alarm();
        }
        let crowd = self.crowd.load(Ordering::SeqCst);
        if crowd > 0
            && entered.is_ok_and(|count| count & COUNT >= crowd)
            && self.crowd.swap(0, Ordering::AcqRel) > 0
            && let Some(alarm) = self.crowd_alarm.get()
        {
            alarm();
        }
        entered.is_ok()
    }

    pub(crate) fn leave(&self) {
        if (self.count.fetch_sub(1, Ordering::AcqRel) & COUNT) == 1 {
            self.empty.notify_waiters();
        }
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.count.load(Ordering::Acquire) & RETIRED != 0
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire) & COUNT
    }

    /// Sets the alarm for the first use after the connection was found unused. Call once.
    pub(crate) fn set_alarm(&self, alarm: Alarm) {
        let _ = self.alarm.set(alarm);
    }

    /// Sets the alarm for a crowd. Call once.
    pub(crate) fn set_crowd_alarm(&self, alarm: Alarm) {
        let _ = self.crowd_alarm.set(alarm);
    }

    /// Raises the crowd alarm once, when there are more users than `most`, which is not 0. Returns false if there already are.
    pub(crate) fn watch_crowd(&self, most: usize) -> bool {
        self.crowd.store(most, Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) & COUNT <= most {
            return true;
        }
        // Unless a concurrent user has raised it.
        self.crowd.swap(0, Ordering::AcqRel) == 0
    }

    /// Returns the number of users. At 0, arms the alarm for the next one.
    pub(crate) fn arm_activity_wake(&self) -> usize {
        let arm = |count| (count & COUNT == 0).then_some(count | WAKE_ARMED);
        match self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, arm) {
            Ok(_) => 0,
            Err(count) => count & COUNT,
        }
    }

    /// Refuses every further use if the connection is unused. Returns whether it was.
    pub(crate) fn try_retire(&self) -> bool {
        let retire = |count| (count & COUNT == 0).then_some(RETIRED);
        self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, retire).is_ok()
    }

    /// Waits until the connection is unused, then refuses every further use.
    pub(crate) async fn retire(&self) {
        loop {
            let empty = self.empty.notified();
            if self.try_retire() {
                return;
            }
            empty.await;
        }
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("count", &self.count()).field("retired", &self.is_retired()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_is_used_is_not_retired_and_what_is_retired_is_not_used() {
        let users = Users::default();
        assert!(users.enter() && users.enter());
        assert!(!users.try_retire());
        users.leave();
        assert_eq!((users.count(), users.try_retire()), (1, false));
        users.leave();
        assert!(users.try_retire() && users.is_retired());
        assert!(!users.enter());
        assert_eq!(users.count(), 0);
    }

    #[test]
    fn a_crowd_raises_its_alarm_once() {
        let (users, raised) = (Users::default(), Arc::new(AtomicUsize::new(0)));
        let counter = raised.clone();
        users.set_crowd_alarm(Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        let enter = || {
            assert!(users.enter());
            raised.load(Ordering::Relaxed)
        };
        assert_eq!((enter(), users.watch_crowd(2)), (0, true));
        assert_eq!((enter(), enter(), enter()), (0, 1, 1));
        assert!(!users.watch_crowd(3));
        assert_eq!((enter(), users.watch_crowd(5), enter()), (1, true, 2));
    }

    #[test]
    fn only_the_first_use_after_a_doze_rings() {
        let (users, rung) = (Users::default(), Arc::new(AtomicUsize::new(0)));
        let counter = rung.clone();
        users.set_alarm(Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        assert!(users.enter());
        assert_eq!((users.arm_activity_wake(), rung.load(Ordering::Relaxed)), (1, 0));
        users.leave();
        assert_eq!(users.arm_activity_wake(), 0);
        assert!(users.enter() && users.enter());
        assert_eq!((users.count(), rung.load(Ordering::Relaxed)), (2, 1));
    }
}
