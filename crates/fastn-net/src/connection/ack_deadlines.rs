//! Ack deadlines of one connection's streams.
//!
//! The limit is the same for all streams of an endpoint. So deadlines expire in the order of their start, and one timer in the
//! connection's task serves them all.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::deadline::after;

/// Ack deadline of one stream. The stream drops it when the ack arrives.
#[derive(Debug, Default)]
pub(crate) struct AckDeadline {
    /// The limit in ms, once expired; 0 before.
    expired_after: AtomicU64,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl AckDeadline {
    /// The limit, once the deadline has expired.
    pub(crate) fn expired_after(&self) -> Option<Duration> {
        let ms = self.expired_after.load(Ordering::Acquire);
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    /// Wakes this reader when the deadline expires. Check [`AckDeadline::expired_after`] afterwards.
    pub(crate) fn register_reader(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    /// Wakes this writer when the deadline expires. Check [`AckDeadline::expired_after`] afterwards.
    pub(crate) fn register_writer(&self, waker: &Waker) {
        self.writer.register(waker);
    }

    fn expire(&self, limit: Duration) {
        let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1);
        self.expired_after.store(ms, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }
}

/// Pending ack deadlines of one connection, oldest first.
#[derive(Debug, Default)]
pub(crate) struct AckDeadlines {
    queue: Mutex<Queue>,
    /// Notified when the queue becomes non-empty.
    added: Notify,
}

/// Swept whenever it doubles, so that acknowledged streams hold little memory.
#[derive(Debug, Default)]
struct Queue {
    begun: VecDeque<(Instant, Weak<AckDeadline>)>,
    sweep_at: usize,
}

impl AckDeadlines {
    const MIN_SWEEP: usize = 64;

    /// Starts the deadline of a stream whose header was just written.
    pub(crate) fn start(&self) -> Arc<AckDeadline> {
        let deadline = Arc::new(AckDeadline::default());
        let mut queue = self.lock();
        if queue.begun.len() >= queue.sweep_at.max(Self::MIN_SWEEP) {
            queue.begun.retain(|(_, deadline)| deadline.strong_count() > 0);
            queue.sweep_at = queue.begun.len() * 2;
        }
        let was_empty = queue.begun.is_empty();
        queue.begun.push_back((Instant::now(), Arc::downgrade(&deadline)));
        drop(queue);
        if was_empty {
            self.added.notify_one();
        }
        deadline
    }

    /// Expires each deadline `limit` after its start. Never returns.
    pub(crate) async fn run(&self, limit: Duration) {
        loop {
            match self.expire(limit) {
                Some(next) => sleep_until(next).await,
                None => self.added.notified().await,
            }
        }
    }

    /// Expires all deadlines that are due. Returns the next deadline.
    fn expire(&self, limit: Duration) -> Option<Instant> {
        let now = Instant::now();
        let mut due = Vec::new();
        let mut queue = self.lock();
        let next = loop {
            let Some((since, deadline)) = queue.begun.front() else { break None };
            let at = after(*since, limit);
            match deadline.upgrade() {
                Some(_) if at > now => break Some(at),
                pending => due.extend(pending),
            }
            queue.begun.pop_front();
        };
        drop(queue);
        // Wake outside the lock: a woken task may poll at once.
        for deadline in due {
            deadline.expire(limit);
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no panic while held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_deadline_expires_unless_it_is_dropped_before() {
        let deadlines = AckDeadlines::default();
        let first = deadlines.start();
        tokio::time::advance(LIMIT / 2).await;
        let (dropped, second) = (deadlines.start(), deadlines.start());
        drop(dropped);
        let _ = tokio::time::timeout(LIMIT / 2 + Duration::from_millis(10), deadlines.run(LIMIT)).await;
        assert_eq!((first.expired_after(), second.expired_after()), (Some(LIMIT), None));
        let _ = tokio::time::timeout(LIMIT / 2, deadlines.run(LIMIT)).await;
        assert!(second.expired_after().is_some() && deadlines.lock().begun.is_empty());
    }

    #[test]
    fn acknowledged_streams_are_swept() {
        let deadlines = AckDeadlines::default();
        for _ in 0..10_000 {
            drop(deadlines.start());
        }
        assert!(deadlines.lock().begun.len() <= AckDeadlines::MIN_SWEEP);
        let kept: Vec<_> = (0..1000).map(|_| deadlines.start()).collect();
        for _ in 0..10_000 {
            drop(deadlines.start());
        }
        assert!((kept.len()..=2 * kept.len() + 1).contains(&deadlines.lock().begun.len()));
    }
}
