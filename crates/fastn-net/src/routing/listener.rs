//! Takes the streams of some protocols.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    IncomingStream, Router,
    queue::{QueueState, StreamQueue},
};
use crate::error::Result;

/// Takes the streams of some protocols. Clones share one queue, so each stream goes to one of them. Dropping the last clone frees
/// the protocols and refuses the queued streams.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> fastn_net::Result<()> {
/// use fastn_net::{Config, Endpoint, Network, Protocol, SecretKey};
///
/// let endpoint = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
/// let listener = endpoint.listen(None, &[Protocol::Tcp], false)?;
/// for _ in 0..4 {
///     let listener = listener.clone();
///     endpoint.spawn(async move {
///         while let Ok(mut incoming) = listener.accept().await {
///             let _ = incoming.stream.write_all(b"hello").await;
///             incoming.stream.finish();
///         }
///     });
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Listener(Arc<Registration>);

/// The registration of a listener. Ends when dropped.
#[derive(Debug)]
struct Registration {
    queue: Arc<StreamQueue>,
    router: Arc<Router>,
}

impl Listener {
    pub(super) fn new(queue: Arc<StreamQueue>, router: Arc<Router>) -> Self {
        Self(Arc::new(Registration { queue, router }))
    }

    pub(super) fn queue(&self) -> &Arc<StreamQueue> {
        &self.0.queue
    }

    /// Polls for queued streams: returns at least one and at most `most`, or arms the waker. A new stream wakes every task that
    /// polls.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once no further stream can come: the endpoint drains or has closed, or the listener's connection has ended.
    pub fn poll_accept(&self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<IncomingStream>>> {
        self.queue().poll_take(cx, most)
    }

    /// Waits for the next stream. Fair: streams go to the waiting tasks in the order of their calls. A call that is woken and not
    /// polled delays the others by 5 ms at most. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`Listener::poll_accept`].
    pub async fn accept(&self) -> Result<IncomingStream> {
        self.queue().accept().await
    }

    /// Puts unused streams back to the front of the queue, in their order. The listener hands them out again, or refuses them
    /// when it is dropped.
    pub fn put_back(&self, streams: Vec<IncomingStream>) {
        self.queue().put_back(streams);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.router.remove(&self.queue);
        self.queue.close(QueueState::Closed);
    }
}
