//! A mutex with wakers: a value, and the tasks that wait for it to change.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard},
    task::{Context, Poll},
};

use crate::wakers::Wakers;

/// Base of the polled queues. Wakes and drops wakers outside the lock, because a woken task may poll at once.
#[derive(Debug, Default)]
pub(crate) struct WakerMutex<T>(Mutex<Inner<T>>);

#[derive(Debug, Default)]
struct Inner<T> {
    value: T,
    wakers: Wakers,
}

/// The locked value.
#[derive(Debug)]
pub(crate) struct Locked<'a, T>(MutexGuard<'a, Inner<T>>);

impl<T> WakerMutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(Inner { value, wakers: Wakers::default() }))
    }

    pub(crate) fn lock(&self) -> Locked<'_, T> {
        Locked(self.0.lock().expect("no panic while held"))
    }
}

impl<T> Locked<'_, T> {
    /// Unlocks, and wakes every task that waits.
    pub(crate) fn wake(mut self) {
        let wakers = self.0.wakers.take();
        drop(self);
        wakers.wake();
    }

    /// Registers the task for the next wake, and unlocks. Always pending. Drops `held` with the lock.
    pub(crate) fn wait_with<R>(mut self, cx: &Context<'_>, held: impl Sized) -> Poll<R> {
        let evicted = self.0.wakers.register(cx.waker());
        drop((self, held));
        if let Some(evicted) = evicted {
            evicted.wake();
        }
        Poll::Pending
    }

    /// Registers the task for the next wake, and unlocks. Always pending.
    pub(crate) fn wait<R>(self, cx: &Context<'_>) -> Poll<R> {
        self.wait_with(cx, ())
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.value
    }
}
