//! Repeats the authorization of connected peers and queued streams.

use std::{convert::Infallible, future::Future};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::sync::oneshot;

use super::{Endpoint, EndpointInner};
use crate::{
    authorization::{IfFull, Rejection, UNAUTHORIZED},
    connection::Connection,
    routing::{IncomingStream, QueuePermit},
};

/// Concurrent requests for streams. Leaves slots for other requests.
const MAX_CONCURRENT: usize = 32;

impl Endpoint {
    /// Repeats the requests of [`Authorize`](crate::config::Authorize): for each admitted connected peer, then for each queued stream. A
    /// denied peer is disconnected, as by [`Endpoint::change_access`]. A denied stream gets the refusal line, or a reset if it was
    /// acknowledged. From the call on, no listener gets a stream that an earlier answer admitted.
    ///
    /// The future resolves when every request has its answer. Dropping it cancels nothing. No-op without authorization.
    pub fn reauthorize(&self) -> impl Future<Output = ()> + Send + use<> {
        let inner = self.inner().clone();
        let (done, ended) = oneshot::channel::<Infallible>();
        if inner.authorization.asks() {
            inner.authorization.access().begin_epoch();
            // After the epoch change: streams queued from now on were admitted by its answers.
            let held = inner.router.take_all();
            let task = inner.clone();
            inner.lifecycle.spawn(async move {
                task.reauthorize_all(held).await;
                drop(done);
            });
        }
        async move {
            let _ = ended.await;
        }
    }
}

impl EndpointInner {
    async fn reauthorize_all(&self, held: Vec<(QueuePermit, IncomingStream)>) {
        // One call at a time: streams taken by an earlier call are authorized before this call ends.
        let _turn = self.authorization.reauthorizing.lock().await;
        let connections = self.connections.all();
        // A dialled connection whose peer has opened no stream was never authorized.
        let asked = connections.iter().filter(|connection| !connection.is_dialled() || connection.is_admitted());
        join_all(asked.map(|connection| self.reauthorize_peer(connection))).await;
        self.connection_queue.purge_ended();
        let mut answers = stream::iter(held)
            .map(|(permit, incoming)| async move {
                let epoch = self.authorization.epoch();
                let answer = self.negotiator.request_again(&permit, &incoming, epoch).await;
                (permit, incoming, epoch, answer)
            })
            .buffered(MAX_CONCURRENT);
        while let Some((permit, incoming, epoch, answer)) = answers.next().await {
            if let Some((permit, incoming)) = self.negotiator.settle(permit, incoming, epoch, answer) {
                self.negotiator.reauthorize_stream(permit, incoming).await;
            }
        }
    }

    async fn reauthorize_peer(&self, connection: &Connection) {
        let ask = async {
            let answer = self.authorization.authorize_peer(connection.remote(), IfFull::Wait).await;
            Ok::<_, Infallible>(answer.is_ok())
        };
        let Ok(may) = connection.admit_peer(self.authorization.epoch(), ask).await;
        if !may {
            let Rejection { close_code, reason } = UNAUTHORIZED;
            connection.close_internal(close_code, reason);
        }
    }
}
