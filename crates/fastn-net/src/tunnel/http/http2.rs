//! An HTTP/2 connection to a service.

use std::sync::{Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use hyper::{
    Request, Uri,
    client::conn::http2::{Builder, SendRequest},
    http::uri::{Authority, PathAndQuery, Scheme},
    rt::Executor,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;

use super::{body::Body, http_io::HttpIo};

/// The connection to a service that speaks HTTP/2, once there is one. All requests share it.
pub(super) struct Http2 {
    authority: Authority,
    sender: Mutex<Option<SendRequest<Body>>>,
}

impl Http2 {
    /// `authority`: of the requests.
    pub(super) fn new(authority: Authority) -> Self {
        Self { authority, sender: Mutex::default() }
    }

    /// A connection that is open.
    pub(super) fn sender(&self) -> Option<SendRequest<Body>> {
        self.lock().as_ref().filter(|sender| !sender.is_closed()).cloned()
    }

    /// Takes a new connection. It lasts until nothing uses it, or the tunnel is cut.
    pub(super) async fn start(&self, io: HttpIo, cut: &CancellationToken) -> hyper::Result<()> {
        let spawner = Spawner(cut.clone());
        let builder = Builder::new(spawner.clone()).timer(TokioTimer::new()).adaptive_window(true).clone();
        let (mut sender, connection) = builder.handshake(TokioIo::new(io)).await?;
        spawner.execute(connection);
        sender.ready().await?;
        *self.lock() = Some(sender);
        Ok(())
    }

    /// Writes the whole URI, as HTTP/2 has it.
    pub(super) fn address(&self, request: &mut Request<Body>) {
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        let path = request.uri().path_and_query().cloned();
        parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        *request.uri_mut() = Uri::from_parts(parts).expect("all three are there");
    }

    fn lock(&self) -> MutexGuard<'_, Option<SendRequest<Body>>> {
        self.sender.lock().expect("no panic while held")
    }
}

/// Runs tasks until the tunnel is cut.
#[derive(Clone)]
pub(super) struct Spawner(pub(super) CancellationToken);

impl<F> Executor<F> for Spawner
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        let cut = self.0.clone();
        // One type for all, which keeps the addon small.
        let task: BoxFuture<'static, ()> = Box::pin(async move {
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                _ = task => {}
            }
        });
        tokio::spawn(task);
    }
}
