//! Serves the tasks that wait for one queue in the order of their calls.

use std::pin::pin;

use tokio::sync::{Mutex, Notify};

/// The order of the tasks that wait for a queue.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Held by the task whose turn it is. Tokio's mutex is fair: tasks get it in the order of their calls.
    turn: Mutex<()>,
    changed: Notify,
}

impl Turns {
    /// Waits for the caller's turn, then until `take` returns a value. Cancel-safe.
    pub(super) async fn take<T>(&self, mut take: impl FnMut() -> Option<T>) -> T {
        let _turn = self.turn.lock().await;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(taken) = take() {
                return taken;
            }
            changed.await;
        }
    }

    /// Lets the task whose turn it is look again. Remembered if there is none.
    pub(super) fn notify(&self) {
        self.changed.notify_one();
    }
}
