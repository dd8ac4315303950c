//! Wakers of tasks that poll one queue.

use std::task::Waker;

/// The tasks that wait for a queue. Protected by the queue's lock.
///
/// A task that polled may be gone without notice. So each item wakes all tasks: a single wake could be lost on a task that is gone.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakers {
    /// Limit. A further task evicts the oldest.
    const MOST: usize = 64;

    /// Adds a task that waits. Returns an evicted one: wake it without the lock, and it polls again if it still waits.
    #[must_use = "a waker that is not woken is a lost wake"]
    pub(crate) fn register(&mut self, waker: &Waker) -> Option<Waker> {
        if self.first.iter().chain(&self.more).any(|known| known.will_wake(waker)) {
            return None;
        }
        if self.first.is_none() {
            self.first = Some(waker.clone());
            return None;
        }
        self.more.push(waker.clone());
        (self.more.len() >= Self::MOST).then(|| self.more.remove(0))
    }

    /// Takes all wakers. Wake them outside the lock: a woken task may poll at once.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    pub(crate) fn wake(self) {
        self.first.into_iter().chain(self.more).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_task_is_woken_once_and_none_is_lost() {
        let counted: Vec<Arc<Counted>> = (0..200).map(|_| Arc::default()).collect();
        let mut wakers = Wakers::default();
        for task in &counted {
            for _ in 0..2 {
                if let Some(evicted) = wakers.register(&Waker::from(task.clone())) {
                    evicted.wake();
                }
            }
        }
        assert!(wakers.more.len() <= Wakers::MOST);
        wakers.take().wake();
        wakers.take().wake();
        assert!(counted.iter().all(|task| task.0.load(Ordering::Relaxed) == 1));
    }
}
