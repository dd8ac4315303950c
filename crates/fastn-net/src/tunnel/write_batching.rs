//! Batches the small writes of a tunnel's tasks into few packets.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

/// A task that has written more than this fills packets of its own. These are sent at once, so the connection works on them while others
/// write.
const FEW: usize = 4 * 1024;

thread_local! {
    /// Bytes that the running task has written to streams.
    static WRITTEN: Cell<usize> = const { Cell::new(0) };
}

/// Records that the running task has written to a stream.
pub(super) fn count_written(bytes: usize) {
    WRITTEN.set(WRITTEN.get().saturating_add(bytes));
}

/// Lets all ready tasks write before the connection sends.
///
/// tokio runs the task that was woken last before all others. A task that writes to a stream wakes the task of the QUIC connection, which
/// would then send the few bytes of each client in a packet of their own. So the last wake goes to an idle task instead: the connection's
/// task runs after all ready tasks, and sends their bytes in few packets.
#[derive(Clone)]
pub(super) struct WriteBatching(Arc<Idle>);

/// The idle task. It ends when this is dropped.
#[derive(Default)]
struct Idle(OnceLock<Waker>);

impl WriteBatching {
    /// The second value is the idle task: spawn it.
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

    /// Polls a task, then lets other ready tasks run before the ones that it woke.
    pub(super) fn poll(&self, task: Pin<&mut (impl Future<Output = ()> + ?Sized)>, cx: &mut Context<'_>) -> Poll<()> {
        WRITTEN.set(0);
        let polled = task.poll(cx);
        if (1..=FEW).contains(&WRITTEN.get())
            && let Some(idle) = self.0.0.get()
        {
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

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use tokio::sync::{Notify, Semaphore};

    use super::*;

    /// The order of two tasks that are woken together, and of one that each of them wakes.
    async fn order(bytes: usize) -> Vec<&'static str> {
        let (batching, idle) = WriteBatching::new();
        tokio::spawn(idle);
        let order = Arc::new(Mutex::new(Vec::new()));
        let (gate, ready, sender) =
            (Arc::new(Semaphore::new(0)), Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
        for _ in 0..2 {
            let (batching, order, gate) = (batching.clone(), order.clone(), gate.clone());
            let (ready, sender) = (ready.clone(), sender.clone());
            tokio::spawn(async move {
                let mut task = pin!(async move {
                    ready.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.expect("open").forget();
                    order.lock().expect("lock").push("wrote");
                    count_written(bytes);
                    sender.notify_one();
                });
                poll_fn(|cx| batching.poll(task.as_mut(), cx)).await;
            });
        }
        let sent = order.clone();
        let sending = tokio::spawn(async move {
            while sent.lock().expect("lock").len() < 3 {
                sender.notified().await;
                sent.lock().expect("lock").push("sent");
            }
        });
        let opening = tokio::spawn(async move {
            while ready.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
            gate.add_permits(2);
        });
        opening.await.expect("no panic");
        sending.await.expect("no panic");
        let order = order.lock().expect("lock");
        order.clone()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn small_writes_are_sent_after_all_ready_tasks() {
        assert_eq!(order(FEW).await, ["wrote", "wrote", "sent"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn large_writes_are_sent_at_once() {
        assert_eq!(order(FEW + 1).await[..2], ["wrote", "sent"]);
    }
}
