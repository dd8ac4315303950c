//! Asking again about streams that wait for a listener.

use super::Negotiator;
use crate::{
    authorization::IfFull,
    routing::{IncomingStream, QueuePermit},
    wire::refusal::Refusal,
};

impl Negotiator {
    /// Authorizes a stream with a queue permit until the answer is current, then queues or refuses it.
    pub(crate) async fn reauthorize_stream(&self, mut place: QueuePermit, mut incoming: IncomingStream) {
        loop {
            let epoch = self.authorization.epoch();
            let answer = self.ask_again(&place, &incoming, epoch).await;
            match self.settle(place, incoming, epoch, answer) {
                Some(again) => (place, incoming) = again,
                None => return,
            }
        }
    }

    pub(crate) fn ask_again<'a>(
        &'a self,
        place: &QueuePermit,
        incoming: &IncomingStream,
        epoch: u64,
    ) -> impl Future<Output = Result<(), Refusal>> + Send + use<'a> {
        let (connection, protocol) = (incoming.stream.connection().clone(), place.protocol(incoming));
        async move {
            let Some(protocol) = protocol else { return Ok(()) };
            self.authorization.ask_about_stream(&connection, &protocol, epoch, IfFull::Wait).await
        }
    }

    pub(crate) fn settle(
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
