//! An HTTP/2 connection to a service.

use std::{
    error::Error as _,
    sync::{Mutex, MutexGuard},
};

use futures_util::future::BoxFuture;
use hyper::{
    Request, Uri,
    body::Body as _,
    client::conn::http2::{Builder, SendRequest},
    http::uri::{Authority, PathAndQuery, Scheme},
    rt::Executor,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;

use super::{
    body::{Body, empty},
    http_io::HttpIo,
};

/// The connection to a service that speaks HTTP/2, once there is one. All requests share it.
pub(super) struct Http2 {
    authority: Authority,
    sender: Mutex<Option<SendRequest<Body>>>,
}

impl Http2 {
    /// `authority`: that of the requests.
    pub(super) fn new(authority: Authority) -> Self {
        Self { authority, sender: Mutex::default() }
    }

    /// The open connection, if there is one.
    pub(super) fn sender(&self) -> Option<SendRequest<Body>> {
        self.lock().as_ref().filter(|sender| !sender.is_closed()).cloned()
    }

    /// Adopts a new connection. It lasts until nothing uses it, or the tunnel is cut.
    pub(super) async fn start(&self, io: HttpIo, cut: &CancellationToken) -> hyper::Result<()> {
        let spawner = Spawner(cut.clone());
        let builder = Builder::new(spawner.clone()).timer(TokioTimer::new()).adaptive_window(true).clone();
        let (mut sender, connection) = builder.handshake(TokioIo::new(io)).await?;
        spawner.execute(connection);
        sender.ready().await?;
        *self.lock() = Some(sender);
        Ok(())
    }

    /// Sets the absolute URI, which HTTP/2 requires.
    pub(super) fn address(&self, request: &mut Request<Body>) {
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        let path = request.uri().path_and_query().cloned();
        parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        *request.uri_mut() = Uri::from_parts(parts).expect("all three are there");
    }

    /// A copy of the request, if it has no body. Call before it is sent.
    pub(super) fn repeated(request: &Request<Body>) -> Option<Request<Body>> {
        if !request.body().is_end_stream() {
            return None;
        }
        let mut again = Request::new(empty());
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.headers_mut() = request.headers().clone();
        Some(again)
    }

    /// Whether the service has refused the stream of a request without processing it (RFC 9113, 8.7), so that it may be sent again.
    /// node:http2 does so while a connection holds more than 10 MB of answers.
    pub(super) fn has_refused(error: &hyper::Error) -> bool {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<h2::Error>() {
                return error.reason() == Some(h2::Reason::REFUSED_STREAM);
            }
            cause = error.source();
        }
        false
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
