//! Tasks of the program, and the graceful shutdown that waits for them.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::Endpoint;

/// Work that [`Endpoint::close`] cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// Finished streams whose acknowledgement did not arrive in time.
    pub unacknowledged: usize,
    /// Tasks of [`Endpoint::spawn`] that did not end in time. They still run: their streams fail.
    pub unfinished_tasks: usize,
}

impl CloseReport {
    /// Whether nothing was cut off.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.unacknowledged == 0 && self.unfinished_tasks == 0
    }
}

impl Endpoint {
    /// Runs a task on the endpoint's runtime that [`Endpoint::drained`] and [`Endpoint::close`] wait for, such as an accept loop or
    /// the handler of a stream. Works on any thread. A panic ends the task alone, and is in its [`JoinHandle`]. Dropping the handle
    /// does not cancel the task.
    ///
    /// The task should end soon after [`Endpoint::cancelled`]. While it holds a clone of the endpoint, dropping the other clones does
    /// not close the endpoint. It must not await `drained` or `close`, which wait for it.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> fastn_net::Result<()> {
    /// use std::time::Duration;
    /// use fastn_net::{Config, Endpoint, Network, SecretKey};
    ///
    /// let endpoint = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
    /// let task = endpoint.clone();
    /// endpoint.spawn(async move { task.cancelled().await });
    /// endpoint.drain();
    /// endpoint.drained().await;
    /// assert!(endpoint.close(Duration::from_secs(3)).await.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.lifecycle.spawn_work(task)
    }

    /// Runs a task that nothing waits for.
    pub(crate) fn spawn_untracked(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lifecycle.spawn_untracked(task);
    }

    /// Number of running tasks of [`Endpoint::spawn`].
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.0.lifecycle.work_count()
    }

    /// Waits until the endpoint drains or closes: the program's tasks should end. Cancel-safe.
    pub async fn cancelled(&self) {
        self.0.lifecycle.draining.cancelled().await;
    }

    /// Whether the endpoint drains or closes.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.lifecycle.draining.is_cancelled()
    }

    /// Stops accepting work from peers, and cancels the program's tasks ([`Endpoint::cancelled`]). New streams are refused as
    /// "shutdown", and new connections are closed. Listeners end after their acknowledged streams are taken. Running streams continue,
    /// and opening streams stays possible. Idempotent and irreversible.
    pub fn drain(&self) {
        self.0.lifecycle.draining.cancel();
        self.0.router.close();
        self.0.connection_queue.close();
    }

    /// Waits until no task of [`Endpoint::spawn`] runs. Call it after [`Endpoint::drain`] to let the tasks end in their own time: after
    /// [`Endpoint::close`] they can open no streams. Has no time limit. Cancel-safe.
    pub async fn drained(&self) {
        self.0.lifecycle.work_ended().await;
    }

    /// First part of [`Endpoint::close`]: from now on, opening a stream fails with `ERR_CLOSED`, and peers are refused. Open streams
    /// continue. Close the endpoint soon: its connections are no longer checked for liveness. Idempotent and irreversible.
    pub fn refuse_new_work(&self) {
        self.0.refuse_new_work();
    }

    /// Closes the endpoint gracefully: drains it, waits for the tasks of [`Endpoint::spawn`] and for the acknowledgements of finished
    /// streams, closes every connection, and closes the sockets. Begins at the call, before the future is polled: opening a stream
    /// fails from then on.
    ///
    /// Takes at most `limit`, plus about 3 round trips for connected peers that went silent. Tasks get at most four fifths of it.
    /// Unanswered dials do not count. Idempotent: all callers share the first close. Dropping the future does not cancel it.
    pub fn close(&self, limit: Duration) -> impl Future<Output = CloseReport> + Send + use<> {
        self.0.close(limit)
    }

    /// Waits until the ports of a closing endpoint can be bound again, shortly after [`Endpoint::close`]. Waits at most 1 s,
    /// because a held stream can keep the sockets open: see [`crate::Stream::detach_from_connection`]. Cancel-safe.
    pub async fn ports_released(&self) {
        self.0.ports_released().await;
    }

    /// Closes every connection at once, without waiting. For a process that is about to exit.
    pub fn close_now(&self) {
        self.0.close_now();
    }

    /// Closes the endpoint of a process that exits within `limit`. Tasks and finished streams get half of it. Then every connection is
    /// closed, even if a concurrent close has a longer limit. The endpoint closes afterwards, which can exceed `limit` if a peer is
    /// silent.
    pub async fn close_before_exit(&self, limit: Duration) {
        let graceful = limit / 2;
        let mut closing = std::pin::pin!(self.close(graceful));
        if tokio::time::timeout(graceful, &mut closing).await.is_err() {
            self.close_now();
            closing.await;
        }
    }
}
