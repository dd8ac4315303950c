//! A running tunnel, and its tasks.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{SocketName, write_batching::WriteBatching};
use crate::{endpoint::Endpoint, error::Error};

/// A running tunnel: an exposed service, or a bridge to one.
///
/// - Dropping it stops accepting. Its connections continue until they end.
/// - [`Tunnel::close`] stops accepting, waits for its connections, and resets the remaining ones.
/// - [`Endpoint::drain`] stops accepting, and [`Endpoint::drained`] and [`Endpoint::close`] wait for its connections.
/// - While it has connections, or accepts, dropping the endpoint does not close it.
pub struct Tunnel {
    work: TunnelTasks,
    name: Option<SocketName>,
}

impl Tunnel {
    pub(super) fn new(work: TunnelTasks, name: Option<SocketName>) -> Self {
        Self { work, name }
    }

    /// Where a bridge listens; `None` for an exposed service.
    #[must_use]
    pub fn local_name(&self) -> Option<&SocketName> {
        self.name.as_ref()
    }

    /// The port on which a bridge listens; 0 for a Unix socket and for an exposed service.
    #[must_use]
    pub fn port(&self) -> u16 {
        match &self.name {
            Some(SocketName::Tcp { port, .. }) => *port,
            _ => 0,
        }
    }

    /// Number of its connections.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.work.tasks.len().saturating_sub(usize::from(!self.work.tasks.is_closed()))
    }

    /// Stops accepting. Its connections continue.
    pub fn stop(&self) {
        self.work.stopped.cancel();
    }

    /// Waits until it has stopped accepting and its connections have ended. Cancel-safe.
    pub async fn closed(&self) {
        self.work.tasks.wait().await;
    }

    /// Stops accepting, waits at most `limit` for its connections to end, and resets the remaining ones. Cancelling it leaves them
    /// running.
    pub async fn close(&self, limit: Duration) {
        self.stop();
        if tokio::time::timeout(limit, self.closed()).await.is_err() {
            self.work.cut.cancel();
            self.closed().await;
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("local_name", &self.name).finish_non_exhaustive()
    }
}

/// State that the tasks of a tunnel share.
#[derive(Clone)]
pub(super) struct TunnelTasks {
    pub(super) endpoint: Endpoint,
    tasks: Arc<TaskTracker>,
    /// Cancelled when accepting must end.
    stopped: CancellationToken,
    /// Cancelled when connections must end.
    cut: CancellationToken,
    batching: WriteBatching,
}

impl TunnelTasks {
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        let (batching, idle) = WriteBatching::new();
        endpoint.spawn_untracked(idle);
        let stopped = CancellationToken::new();
        Self { endpoint: endpoint.clone(), tasks: Arc::default(), cut: CancellationToken::new(), stopped, batching }
    }

    /// Runs the accept loop until it ends, or the tunnel or its endpoint stops.
    pub(super) fn accept(&self, accepting: impl Future<Output = ()> + Send + 'static) {
        let work = self.clone();
        self.spawn(async move {
            tokio::select! {
                biased;
                () = work.stopping() => {}
                () = accepting => {}
            }
            work.tasks.close();
        });
    }

    /// Runs a connection. Polls it once before returning, so that connections start in the order of their arrival: tasks that are spawned
    /// together run in another order.
    pub(super) async fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(self.tasks.track_future(task));
        if poll_fn(|cx| Poll::Ready(task.as_mut().poll(cx))).await.is_pending() {
            let batching = self.batching.clone();
            self.endpoint.spawn(poll_fn(move |cx| batching.poll(task.as_mut(), cx)));
        }
    }

    /// Runs a task of the tunnel. The endpoint's shutdown waits for it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // One type for all, which keeps the addon small.
        let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
        self.endpoint.spawn(self.tasks.track_future(task));
    }

    /// Resolves when the tunnel or its endpoint stops accepting: idle connections should then end. Cancel-safe.
    pub(super) async fn stopping(&self) {
        tokio::select! {
            () = self.stopped.cancelled() => {}
            () = self.endpoint.cancelled() => {}
        }
    }

    /// The token of [`TunnelTasks::cut`], for a task that must not hold the endpoint.
    pub(super) fn cut_token(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// Resolves when the tunnel's connections must end. Cancel-safe.
    pub(super) async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// Runs a part of a connection, such as a look-up. Returns `None` if the tunnel's connections must end first. Cancel-safe if the part
    /// is.
    pub(super) async fn until_cut<T>(&self, part: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = part => Some(done),
            () = self.cut() => None,
        }
    }
}

/// The error of an operation that [`TunnelTasks::cut`] ended.
pub(super) fn closed() -> Error {
    Error::new(crate::error::Code::Closed, "the tunnel was closed")
}
