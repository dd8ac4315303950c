//! The order in which the tasks of a tunnel run.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

/// Lets all tasks that are ready write before any of it is sent.
///
/// tokio runs the task that was woken last before all others. A task that writes to a stream wakes the task of the QUIC connection, which
/// would so send the few bytes of each client in a packet of their own. Here, the task that is woken last is one that does nothing: the
/// connection's runs behind those that are ready, and sends in few packets what all of them wrote.
#[derive(Clone)]
pub(super) struct Turn(Arc<Idle>);

/// The task that does nothing. It ends when this is dropped.
#[derive(Default)]
struct Idle(OnceLock<Waker>);

impl Turn {
    /// Second part: the task to run.
    pub(super) fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        let idle = Arc::<Idle>::default();
        let weak = Arc::downgrade(&idle);
        let task = poll_fn(move |cx| {
            let Some(idle) = weak.upgrade() else { return Poll::Ready(()) };
            idle.0.get_or_init(|| cx.waker().clone());
            Poll::Pending
        });
        (Self(idle), task)
    }

    /// Polls a task, and lets others run before what it woke.
    pub(super) fn poll(&self, task: Pin<&mut (impl Future<Output = ()> + ?Sized)>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = task.poll(cx);
        if let Some(idle) = self.0.0.get() {
            idle.wake_by_ref();
        }
        polled
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        if let Some(idle) = self.0.get() {
            idle.wake_by_ref();
        }
    }
}
