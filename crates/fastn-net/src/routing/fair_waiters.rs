//! Serves the tasks that wait for one queue in the order of their calls.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{Sleep, sleep},
};

/// How long a call waits for an earlier call that was woken and has not been polled since.
const PATIENCE: Duration = Duration::from_millis(5);

/// The calls that wait for a queue, in their order.
///
/// Each item wakes every waiting call, because a woken future may be neither polled nor dropped. A call lets earlier woken calls
/// go first. After [`PATIENCE`] it passes them over, and no later call waits for them until they are polled again.
#[derive(Debug, Default)]
pub(super) struct FairWaiters(Mutex<Calls>);

#[derive(Debug, Default)]
struct Calls {
    /// Ordered by number.
    queue: VecDeque<Call>,
    next: u64,
}

#[derive(Debug)]
struct Call {
    number: u64,
    waker: Waker,
    state: CallState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallState {
    /// It found no item, and has not been woken since.
    Waiting,
    /// It was woken, and has not been polled since.
    Woken,
    /// It looks for an item now.
    Polling,
    /// It lets an earlier woken call go first.
    Yielding,
    /// It was woken and not polled in time. Later calls pass it over.
    Stalled,
}

impl FairWaiters {
    /// Waits for the caller's turn, then until `take` returns a value. Cancel-safe. A call that is not polled delays later ones by
    /// at most [`PATIENCE`].
    pub(super) async fn take<T>(&self, mut take: impl FnMut() -> Option<T>) -> T {
        let mut call = CallGuard { waiters: self, number: None, patience: None };
        poll_fn(|cx| call.poll_take(cx, &mut take)).await
    }

    /// Lets every call look for an item, again if it looks now.
    pub(super) fn notify(&self) {
        let mut calls = self.lock();
        // A call that is polling may have looked just before the item came: it looks again.
        let looking = |call: &&mut Call| matches!(call.state, CallState::Waiting | CallState::Polling);
        let wakers: Vec<Waker> = calls.queue.iter_mut().filter(looking).map(Call::wake).collect();
        drop(calls);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().expect("no panic while held")
    }
}

impl Calls {
    /// Registers the task of a call that is being polled. Returns the call's number, and whether it must let an earlier call go
    /// first.
    fn poll(&mut self, number: Option<u64>, waker: &Waker) -> (u64, bool) {
        let known = number.and_then(|number| self.position(number));
        let at = known.unwrap_or_else(|| {
            self.queue.push_back(Call { number: self.next, waker: waker.clone(), state: CallState::Polling });
            self.next += 1;
            self.queue.len() - 1
        });
        let must_yield = self.queue.range(..at).any(Call::goes_first);
        let call = &mut self.queue[at];
        call.waker.clone_from(waker);
        call.state = if must_yield { CallState::Yielding } else { CallState::Polling };
        (call.number, must_yield)
    }

    /// Passes over the earlier calls that were not polled in time.
    fn pass_over(&mut self, number: u64) {
        let Some(at) = self.position(number) else { return };
        let late = self.queue.range_mut(..at).filter(|call| call.state == CallState::Woken);
        late.for_each(|call| call.state = CallState::Stalled);
        self.queue[at].state = CallState::Polling;
    }

    /// Wakes the first call that yields, unless another one goes first.
    fn wake_next(&mut self) -> Option<Waker> {
        let next = self.queue.iter_mut().find(|call| call.goes_first() || call.state == CallState::Yielding)?;
        (next.state == CallState::Yielding).then(|| next.wake())
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&number, |call| call.number).ok()
    }
}

impl Call {
    fn goes_first(&self) -> bool {
        matches!(self.state, CallState::Woken | CallState::Polling)
    }

    fn wake(&mut self) -> Waker {
        self.state = CallState::Woken;
        self.waker.clone()
    }
}

/// One call of [`FairWaiters::take`]. Leaves the queue when dropped.
struct CallGuard<'a> {
    waiters: &'a FairWaiters,
    /// `None` until polled.
    number: Option<u64>,
    /// Set while the call yields.
    patience: Option<Pin<Box<Sleep>>>,
}

impl CallGuard<'_> {
    fn poll_take<T>(&mut self, cx: &mut Context<'_>, take: &mut impl FnMut() -> Option<T>) -> Poll<T> {
        let (number, must_yield) = self.waiters.lock().poll(self.number, cx.waker());
        self.number = Some(number);
        if must_yield {
            if self.poll_patience(cx).is_pending() {
                return Poll::Pending;
            }
            self.waiters.lock().pass_over(number);
        }
        self.patience = None;
        // Outside the lock: taking an item can notify other calls. A notification in between wakes this call again.
        if let Some(taken) = take() {
            return Poll::Ready(taken);
        }
        let mut calls = self.waiters.lock();
        if let Some(at) = calls.position(number)
            && calls.queue[at].state == CallState::Polling
        {
            calls.queue[at].state = CallState::Waiting;
        }
        let next = calls.wake_next();
        drop(calls);
        if let Some(next) = next {
            next.wake();
        }
        Poll::Pending
    }

    /// Ready once the call has yielded for long enough. At once without a runtime, which has the timer.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.patience.is_none() && Handle::try_current().is_err() {
            return Poll::Ready(());
        }
        self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE))).as_mut().poll(cx)
    }
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut calls = self.waiters.lock();
        let gone = calls.position(number).and_then(|at| calls.queue.remove(at));
        let next = calls.wake_next();
        drop(calls);
        drop(gone);
        if let Some(next) = next {
            next.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
        task::{Context, Poll, Wake},
    };

    use super::FairWaiters;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_call_that_is_notified_while_it_looks_for_an_item_looks_again() {
        let (turns, looks, woken) = (FairWaiters::default(), AtomicUsize::new(0), Arc::new(Wakes::default()));
        let mut taken = pin!(turns.take(|| {
            if looks.fetch_add(1, Relaxed) > 0 {
                return Some("an item");
            }
            // The item comes between this look and the wait.
            turns.notify();
            None
        }));
        let waker = Arc::clone(&woken).into();
        let mut cx = Context::from_waker(&waker);
        assert_eq!(taken.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(woken.0.load(Relaxed), 1, "woken to look again");
        assert_eq!(taken.as_mut().poll(&mut cx), Poll::Ready("an item"));
    }
}
