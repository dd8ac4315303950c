//! Pooled HTTP connections.

use std::time::Duration;

use hyper::rt::Executor;
use hyper_util::{
    client::legacy::{Builder, Client},
    rt::TokioTimer,
};
use tokio_util::sync::CancellationToken;

use super::body::Body;
use crate::tunnel::handle::Work;

/// A pool of connections that a connector makes.
pub(in crate::tunnel) type Pool<C> = Client<C, Body>;

/// Size in bytes of the largest head, and of the buffers of a connection.
pub(in crate::tunnel) const MAX_BUFFER: usize = 64 * 1024;

/// Idle connections that are kept for each destination.
const MAX_IDLE: usize = 256;

/// Options of a pool whose connections end with the tunnel. `idle`: how long an idle connection is kept.
pub(in crate::tunnel) fn builder(work: &Work, idle: Duration) -> Builder {
    let mut builder = Client::builder(Spawner(work.cut_token()));
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle)
        .pool_max_idle_per_host(MAX_IDLE)
        .http1_max_buf_size(MAX_BUFFER)
        .http2_adaptive_window(true);
    builder
}

/// Runs the tasks of connections until the tunnel is cut. They end before, when the pool is dropped and they are idle.
#[derive(Clone)]
struct Spawner(CancellationToken);

impl<F> Executor<F> for Spawner
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        let cut = self.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                _ = task => {}
            }
        });
    }
}
