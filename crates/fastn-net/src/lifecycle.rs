//! The tasks of an endpoint, and the signals that end them.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The runtime, tasks and shutdown signals of one endpoint.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    runtime: Handle,
    /// The endpoint's own tasks.
    tasks: TaskTracker,
    /// Tasks of [`crate::Endpoint::spawn`].
    work: TaskTracker,
    /// Cancelled when the endpoint drains or closes.
    pub(crate) draining: CancellationToken,
    closing: AtomicBool,
    /// Cancelled when closing begins: dials end.
    pub(crate) ending: CancellationToken,
    /// Cancelled when connections are closed: no further handshake begins. Before, peers that connect get the shutdown code.
    pub(crate) connections_closed: CancellationToken,
}

impl Lifecycle {
    /// Must be called within a tokio runtime, on which all tasks run.
    pub(crate) fn new() -> Self {
        Self {
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            work: TaskTracker::new(),
            draining: CancellationToken::new(),
            closing: AtomicBool::new(false),
            ending: CancellationToken::new(),
            connections_closed: CancellationToken::new(),
        }
    }

    /// Runs a task of the endpoint's own. Closing waits for it. Works on any thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_boxed(Box::pin(task));
    }

    /// Same. All tasks share this type, which keeps the addon small: each type of task costs it some KB.
    pub(crate) fn spawn_boxed(&self, task: BoxFuture<'static, ()>) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Runs a task of the endpoint's own that closing does not wait for.
    pub(crate) fn spawn_untracked(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn::<BoxFuture<'static, ()>>(Box::pin(task))
    }

    /// See [`crate::Endpoint::spawn`].
    pub(crate) fn spawn_work<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.work.spawn_on(task, &self.runtime)
    }

    /// Number of running tasks of [`Lifecycle::spawn_work`].
    pub(crate) fn work_count(&self) -> usize {
        self.work.len()
    }

    /// Waits until no task of [`Lifecycle::spawn_work`] runs. Cancel-safe.
    pub(crate) async fn work_ended(&self) {
        self.work.close();
        self.work.wait().await;
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Waits until every task of [`Lifecycle::spawn`] has ended.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
