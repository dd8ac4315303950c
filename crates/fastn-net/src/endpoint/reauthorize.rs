//! Asking again about peers that are connected, and about streams that wait for a listener.

use std::{convert::Infallible, future::Future};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::sync::oneshot;

use super::{Endpoint, EndpointInner};
use crate::{
    authorization::{IfFull, Rejection, UNAUTHORIZED},
    connection::Connection,
    routing::{IncomingStream, QueuePermit},
    wire::refusal::Refusal,
};

/// Streams that are asked about at the same time: other questions need room as well.
const AT_ONCE: usize = 32;

impl Endpoint {
    /// Asks the questions of [`Authorize`](crate::config::Authorize) again: about each connected peer that was let in, then about each stream
    /// that waits for a listener. A peer that is refused is disconnected, as [`Endpoint::change_access`] does it; a stream that is
    /// refused gets the refusal line, or a reset where it was acknowledged. From the call on no listener gets a stream that was let in
    /// by an earlier answer.
    ///
    /// The future resolves when every question has its answer. Dropping it ends nothing. No-op where nothing is asked.
    pub fn reauthorize(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = self.shared().clone();
        let (done, ended) = oneshot::channel::<Infallible>();
        if shared.guard.asks() {
            shared.guard.access().begin_epoch();
            // Behind the epoch: what comes into a queue from now on was let in by its answers.
            let held = shared.router.hold_all();
            let task = shared.clone();
            shared.spawn(async move {
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
        // One after the other: the streams that an earlier call holds are asked about before this one is over.
        let _turn = self.guard.reauthorizing.lock().await;
        let connections: Vec<Connection> = self.connections().values().cloned().collect();
        // One that we dialled, and whose peer has opened nothing, was never asked about.
        let asked = connections.iter().filter(|connection| !connection.is_dialled() || connection.is_let_in());
        join_all(asked.map(|connection| self.reauthorize_peer(connection))).await;
        self.inbound.purge_ended();
        let mut answers = stream::iter(held)
            .map(|(place, incoming)| async move {
                let epoch = self.guard.epoch();
                let answer = self.ask_again(&place, &incoming, epoch).await;
                (place, incoming, epoch, answer)
            })
            .buffered(AT_ONCE);
        while let Some((place, incoming, epoch, answer)) = answers.next().await {
            if let Some((place, incoming)) = self.settle(place, incoming, epoch, answer) {
                self.reauthorize_stream(place, incoming).await;
            }
        }
    }

    async fn reauthorize_peer(&self, connection: &Connection) {
        let ask = async {
            let answer = self.guard.ask_about_peer(connection.remote(), IfFull::Wait).await;
            Ok::<_, Infallible>(answer.is_ok())
        };
        let Ok(may) = connection.let_in(self.guard.epoch(), ask).await;
        if !may {
            let Rejection { code, reason } = UNAUTHORIZED;
            connection.close_own(code, reason);
        }
    }

    /// Asks about a stream that has a place, until the answer counts, and queues or refuses it.
    pub(crate) async fn reauthorize_stream(&self, mut place: QueuePermit, mut incoming: IncomingStream) {
        loop {
            let epoch = self.guard.epoch();
            let answer = self.ask_again(&place, &incoming, epoch).await;
            match self.settle(place, incoming, epoch, answer) {
                Some(again) => (place, incoming) = again,
                None => return,
            }
        }
    }

    fn ask_again<'a>(
        &'a self,
        place: &QueuePermit,
        incoming: &IncomingStream,
        epoch: u64,
    ) -> impl Future<Output = Result<(), Refusal>> + Send + use<'a> {
        let (connection, protocol) = (incoming.stream.connection().clone(), place.protocol(incoming));
        async move {
            let Some(protocol) = protocol else { return Ok(()) };
            self.guard.ask_about_stream(&connection, &protocol, epoch, IfFull::Wait).await
        }
    }

    fn settle(
        &self,
        place: QueuePermit,
        incoming: IncomingStream,
        epoch: u64,
        answer: Result<(), Refusal>,
    ) -> Option<(QueuePermit, IncomingStream)> {
        match answer {
            Ok(()) => {
                let queue = place.queue();
                let stale = place.fill(incoming, epoch);
                self.flush_later(&queue);
                stale
            }
            Err(refusal) => {
                incoming.refuse(&refusal);
                None
            }
        }
    }
}
