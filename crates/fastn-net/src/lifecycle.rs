//! The tasks of an endpoint, and the signals that end them.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The runtime, tasks and end of one endpoint.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    runtime: Handle,
    tasks: TaskTracker,
    closing: AtomicBool,
    /// Cancelled when closing begins: dials end.
    pub(crate) ending: CancellationToken,
    /// Cancelled when connections are closed: no further handshake begins. Until then, peers are told that this endpoint closes.
    pub(crate) connections_closed: CancellationToken,
}

impl Lifecycle {
    /// Must be called within a tokio runtime, on which all tasks run.
    pub(crate) fn new() -> Self {
        Self {
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            closing: AtomicBool::new(false),
            ending: CancellationToken::new(),
            connections_closed: CancellationToken::new(),
        }
    }

    /// Runs a task that closing waits for, whatever thread this is.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Runs a task that closing does not wait for.
    pub(crate) fn spawn_untracked(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(task)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Waits until every tracked task has ended.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
