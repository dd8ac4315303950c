//! Deadlines of the acknowledgements of one connection's streams, and the checks of late ones before.
//!
//! One timer of the connection's task serves them all. Most acks arrive before the first check. All streams are first checked equally
//! late, so a queue holds them; the few that are left then, and those with a shorter limit of their own, move to a heap.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::deadline::after;

/// After this an acknowledgement is late, and its connection is checked; again after twice that time, and so on.
const LATE_ACK: Duration = Duration::from_millis(250);

/// The longest time between two checks.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The deadline of one stream. The stream drops it when the acknowledgement arrives.
#[derive(Debug, Default)]
pub(crate) struct AckDeadline {
    /// Shorter than the endpoint's limit.
    own_limit: Option<Duration>,
    is_late: AtomicBool,
    /// How long it lasted, in ms; 0 until it expires.
    expired_after: AtomicU64,
    reader: AtomicWaker,
    writer: AtomicWaker,
    ended: AtomicWaker,
}

impl AckDeadline {
    /// The limit, once the deadline has expired.
    pub(crate) fn expired_after(&self) -> Option<Duration> {
        let ms = self.expired_after.load(Ordering::Acquire);
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    /// Whether the acknowledgement became late since the last call.
    pub(crate) fn take_late(&self) -> bool {
        self.is_late.load(Ordering::Acquire) && self.is_late.swap(false, Ordering::AcqRel)
    }

    /// Wakes this reader when the acknowledgement is late, and when the deadline expires. Wakes it now if either has happened.
    pub(crate) fn wake_reader(&self, waker: &Waker) {
        self.reader.register(waker);
        self.wake_if_due(waker);
    }

    /// Same for a writer.
    pub(crate) fn wake_writer(&self, waker: &Waker) {
        self.writer.register(waker);
        self.wake_if_due(waker);
    }

    /// Same for a caller that waits until the peer ends the sending half.
    pub(crate) fn wake_ended(&self, waker: &Waker) {
        self.ended.register(waker);
        self.wake_if_due(waker);
    }

    fn wake_if_due(&self, waker: &Waker) {
        if self.is_late.load(Ordering::Acquire) || self.expired_after().is_some() {
            waker.wake_by_ref();
        }
    }

    fn limit(&self, limit: Duration) -> Duration {
        self.own_limit.map_or(limit, |own| own.min(limit))
    }

    fn wake(&self) {
        self.reader.wake();
        self.writer.wake();
        self.ended.wake();
    }
}

/// The pending deadlines of one connection.
#[derive(Debug, Default)]
pub(crate) struct AckDeadlines {
    queue: Mutex<Queue>,
    /// Notified when an event comes that may be the first.
    added: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// Before their first check, oldest first. Swept whenever it doubles, so that acknowledged streams take up little memory.
    begun: VecDeque<(Instant, Weak<AckDeadline>)>,
    sweep_at: usize,
    /// Checked once, or with a shorter limit of their own: by the time of their next event.
    scheduled: BinaryHeap<Reverse<Scheduled>>,
}

/// A deadline whose next event is at `at`.
#[derive(Debug)]
struct Scheduled {
    at: Instant,
    since: Instant,
    /// Until the event after that.
    wait: Duration,
    deadline: Weak<AckDeadline>,
}

impl AckDeadlines {
    const MIN_SWEEP: usize = 64;

    /// Starts the deadline of a stream that begins to send its header. `own_limit` can only shorten the endpoint's.
    pub(crate) fn start(&self, own_limit: Option<Duration>) -> Arc<AckDeadline> {
        let deadline = Arc::new(AckDeadline { own_limit, ..AckDeadline::default() });
        let (since, entry) = (Instant::now(), Arc::downgrade(&deadline));
        let mut queue = self.lock();
        let may_be_first = match own_limit {
            Some(limit) if limit < LATE_ACK => {
                queue.scheduled.push(Reverse(Scheduled {
                    at: after(since, limit),
                    since,
                    wait: LATE_ACK,
                    deadline: entry,
                }));
                true
            }
            _ => queue.push(since, entry),
        };
        drop(queue);
        if may_be_first {
            self.added.notify_one();
        }
        deadline
    }

    /// Wakes streams whose acknowledgement is late, and expires deadlines that last longer than `limit`. Never returns.
    pub(crate) async fn run(&self, limit: Duration) {
        loop {
            let added = self.added.notified();
            match self.pass(limit) {
                Some(next) => _ = timeout_at(next, added).await,
                None => added.await,
            }
        }
    }

    /// Handles all events that are due. Returns the time of the next one.
    fn pass(&self, limit: Duration) -> Option<Instant> {
        let now = Instant::now();
        let mut woken = Vec::new();
        let mut queue = self.lock();
        let first = LATE_ACK.min(limit);
        while let Some(late) = queue.take_due(now, first) {
            let Some(deadline) = late.deadline.upgrade() else { continue };
            let limit = deadline.limit(limit);
            let expires = after(late.since, limit);
            if expires <= now {
                let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1);
                deadline.expired_after.store(ms, Ordering::Release);
            } else {
                deadline.is_late.store(true, Ordering::Release);
                let wait = (late.wait * 2).min(LONGEST_WAIT);
                queue.scheduled.push(Reverse(Scheduled { at: after(now, late.wait).min(expires), wait, ..late }));
            }
            woken.push(deadline);
        }
        let next = queue.next(first);
        drop(queue);
        // Not under the lock: a woken task may poll at once.
        for deadline in woken {
            deadline.wake();
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no panic while held")
    }
}

impl Queue {
    /// Returns whether there was none before.
    fn push(&mut self, since: Instant, deadline: Weak<AckDeadline>) -> bool {
        if self.begun.len() >= self.sweep_at.max(AckDeadlines::MIN_SWEEP) {
            self.begun.retain(|(_, deadline)| deadline.strong_count() > 0);
            self.sweep_at = self.begun.len() * 2;
        }
        let was_empty = self.begun.is_empty();
        self.begun.push_back((since, deadline));
        was_empty
    }

    /// Takes a deadline with an event that is due, or one that was dropped.
    fn take_due(&mut self, now: Instant, first: Duration) -> Option<Scheduled> {
        if let Some((since, deadline)) = self.begun.front()
            && (after(*since, first) <= now || deadline.strong_count() == 0)
        {
            let (since, deadline) = self.begun.pop_front()?;
            return Some(Scheduled { at: now, since, wait: LATE_ACK * 2, deadline });
        }
        let is_due = |Reverse(late): &Reverse<Scheduled>| late.at <= now || late.deadline.strong_count() == 0;
        if self.scheduled.peek().is_some_and(is_due) { self.scheduled.pop().map(|Reverse(late)| late) } else { None }
    }

    fn next(&self, first: Duration) -> Option<Instant> {
        let begun = self.begun.front().map(|(since, _)| after(*since, first));
        let late = self.scheduled.peek().map(|Reverse(late)| late.at);
        begun.into_iter().chain(late).min()
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Scheduled {}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);
    const MOMENT: Duration = Duration::from_millis(10);

    async fn run_for(deadlines: &AckDeadlines, time: Duration) {
        let _ = tokio::time::timeout(time, deadlines.run(LIMIT)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_expires_unless_it_is_dropped_before() {
        let deadlines = AckDeadlines::default();
        let first = deadlines.start(None);
        tokio::time::advance(LIMIT / 2).await;
        let (dropped, second) = (deadlines.start(None), deadlines.start(None));
        drop(dropped);
        run_for(&deadlines, LIMIT / 2 + MOMENT).await;
        assert_eq!((first.expired_after(), second.expired_after()), (Some(LIMIT), None));
        run_for(&deadlines, LIMIT / 2).await;
        assert!(second.expired_after().is_some());
        assert!(deadlines.lock().begun.is_empty() && deadlines.lock().scheduled.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_ack_is_late_after_ever_longer_waits() {
        let deadlines = AckDeadlines::default();
        let deadline = deadlines.start(None);
        let mut late = Vec::new();
        for _ in 0..101 {
            run_for(&deadlines, Duration::from_millis(100)).await;
            late.push(deadline.take_late());
        }
        let at: Vec<_> = (1..).zip(late).filter_map(|(at, late)| late.then_some(at)).collect();
        // 250, 750, 1750, 3750 and 7750 ms.
        assert_eq!(at, [3, 8, 18, 38, 78]);
        assert_eq!(deadline.expired_after(), Some(LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_its_own_shortens_that_of_the_endpoint() {
        let deadlines = AckDeadlines::default();
        let [short, shorter, longer] =
            [Some(LIMIT / 10), Some(LATE_ACK / 2), Some(LIMIT * 2)].map(|limit| deadlines.start(limit));
        run_for(&deadlines, LATE_ACK / 2 + MOMENT).await;
        assert_eq!((shorter.expired_after(), short.expired_after()), (Some(LATE_ACK / 2), None));
        run_for(&deadlines, LIMIT / 10).await;
        assert_eq!((short.expired_after(), longer.expired_after()), (Some(LIMIT / 10), None));
        run_for(&deadlines, LIMIT).await;
        assert_eq!(longer.expired_after(), Some(LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_deadline_that_begins_later_is_in_time() {
        let deadlines = AckDeadlines::default();
        let _first = deadlines.start(None);
        let running = async {
            tokio::join!(run_for(&deadlines, LATE_ACK * 4), async {
                tokio::time::sleep(LATE_ACK * 2).await;
                let short = deadlines.start(Some(MOMENT));
                tokio::time::sleep(MOMENT * 2).await;
                assert_eq!(short.expired_after(), Some(MOMENT));
            })
        };
        running.await;
    }

    #[test]
    fn acknowledged_streams_are_swept() {
        let deadlines = AckDeadlines::default();
        for _ in 0..10_000 {
            drop(deadlines.start(None));
        }
        assert!(deadlines.lock().begun.len() <= AckDeadlines::MIN_SWEEP);
        let kept: Vec<_> = (0..1000).map(|_| deadlines.start(None)).collect();
        for _ in 0..10_000 {
            drop(deadlines.start(None));
        }
        assert!((kept.len()..=2 * kept.len() + 1).contains(&deadlines.lock().begun.len()));
    }
}
