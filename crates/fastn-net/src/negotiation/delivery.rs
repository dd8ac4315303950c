//! Acknowledges an admitted stream and queues it for its listener.

use std::task::{Context, Poll, Waker};

use super::{Admitted, Negotiation};
use crate::{
    protocol::Protocol,
    routing::{AckMode, IncomingStream},
    stream::Stream,
    wire::ack::ACK,
};

/// Most bytes read to decide whether a stream arrived completely before its connection ended. Flow control allows no more.
const WHOLE_BYTES: usize = 2 * 1024 * 1024;

impl Negotiation {
    pub(super) async fn deliver(mut self, admitted: Admitted, protocol: Protocol) {
        let Admitted { permit, route, active, epoch } = admitted;
        // A dialler that sent payload with the header waits for the answer, so the ack can travel with that. Any other dialler
        // waits for the ack and gets it now. Older peers always wait: what follows their header is the extra line.
        let queue = permit.queue();
        let waits_for_ack = self.rest.is_empty() || !self.connection.alpn().is_native();
        let unsent = if waits_for_ack && queue.acks() == AckMode::Automatic { &[] } else { ACK };
        // A completely received stream is delivered even if its ack can no longer be written.
        if unsent.is_empty() && self.write_all(ACK).await.is_err() && (self.connection.is_live() || !self.is_whole()) {
            self.reset();
            return;
        }
        let Self { negotiator, connection, send, recv, rest, .. } = self;
        let has_unsent_ack = !unsent.is_empty();
        let mut stream = Stream::accepted(connection, send, recv, active, rest, unsent);
        if !has_unsent_ack {
            stream.count_accepted();
        }
        let incoming = IncomingStream { stream, route, protocol: route.is_none().then_some(protocol) };
        if let Some((permit, incoming)) = permit.enqueue(incoming, epoch) {
            negotiator.reauthorize_stream(permit, incoming).await;
        }
        if has_unsent_ack {
            negotiator.flush_later(&queue);
        }
    }

    /// Whether everything up to the FIN has arrived, now that the connection has ended. Buffers it.
    fn is_whole(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let mut chunk = [0; 16 * 1024];
        while self.rest.len() < WHOLE_BYTES {
            match self.recv.poll_read(&mut cx, &mut chunk) {
                Poll::Ready(Ok(0)) => return true,
                Poll::Ready(Ok(count)) => self.rest.extend_from_slice(&chunk[..count]),
                Poll::Ready(Err(_)) | Poll::Pending => return false,
            }
        }
        false
    }
}
