//! Repeats the authorization of streams that have a queue permit.

use super::Negotiator;
use crate::{
    authorization::IfFull,
    routing::{IncomingStream, QueuePermit},
    wire::refusal::Refusal,
};

impl Negotiator {
    /// Authorizes a stream until the answer is current, then queues or refuses it.
    pub(crate) async fn reauthorize_stream(&self, mut permit: QueuePermit, mut incoming: IncomingStream) {
        loop {
            let epoch = self.authorization.epoch();
            let answer = self.request_again(&permit, &incoming, epoch).await;
            match self.settle(permit, incoming, epoch, answer) {
                Some(stale) => (permit, incoming) = stale,
                None => return,
            }
        }
    }

    /// Requests authorization for a stream that has a permit.
    pub(crate) fn request_again<'a>(
        &'a self,
        permit: &QueuePermit,
        incoming: &IncomingStream,
        epoch: u64,
    ) -> impl Future<Output = Result<(), Refusal>> + Send + use<'a> {
        let (connection, protocol) = (incoming.stream.connection().clone(), permit.protocol(incoming));
        let is_asked = incoming.stream.is_subject_to_authorizer();
        async move {
            let Some(protocol) = protocol else { return Ok(()) };
            let protocol = is_asked.then_some(&protocol);
            self.authorization.authorize_stream(&connection, protocol, epoch, IfFull::Wait).await
        }
    }

    /// Queues or refuses the stream. Returns it if the answer is stale.
    pub(crate) fn settle(
        &self,
        permit: QueuePermit,
        incoming: IncomingStream,
        epoch: u64,
        answer: Result<(), Refusal>,
    ) -> Option<(QueuePermit, IncomingStream)> {
        match answer {
            Ok(()) => {
                let queue = permit.queue();
                let stale = permit.enqueue(incoming, epoch);
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
