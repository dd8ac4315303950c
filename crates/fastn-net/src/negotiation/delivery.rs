//! From the ack to the queue of the listener.

use std::task::{Context, Poll, Waker};

use super::{ABANDONED, Negotiation, Placed};
use crate::{protocol::Protocol, routing::IncomingStream, stream::Stream, wire::ack::ACK};

/// Most that is read to see whether a stream came whole before its connection ended: what flow control let through.
const WHOLE_BYTES: usize = 2 * 1024 * 1024;

impl Negotiation {
    pub(super) async fn deliver(mut self, placed: Placed, protocol: Protocol) {
        let Placed { place, index, used, epoch } = placed;
        // A dialler that sent its first bytes with the header waits for an answer and not for the acknowledgement, which
        // can travel with it. One that waits for the acknowledgement gets it now: older peers always do, and what they
        // send with the header is the extra line.
        let waits_for_ack = self.rest.is_empty() || !self.connection.alpn().is_native();
        let unsent = if waits_for_ack { &[] } else { ACK };
        // A completely received stream is delivered even if its ack can no longer be written.
        if unsent.is_empty() && self.write_all(ACK).await.is_err() && (self.connection.is_live() || !self.is_whole()) {
            let _ = self.send.reset(ABANDONED);
            return;
        }
        let Self { negotiator, connection, send, recv, rest, .. } = self;
        let waits = !unsent.is_empty();
        let queue = place.queue();
        let incoming = IncomingStream {
            stream: Stream::accepted(connection, send, recv, used, rest, unsent),
            route: index,
            protocol: index.is_none().then_some(protocol),
        };
        if let Some((place, incoming)) = place.fill(incoming, epoch) {
            negotiator.reauthorize_stream(place, incoming).await;
        }
        if waits {
            negotiator.flush_later(&queue);
        }
    }

    /// Everything up to the FIN is here, now that the connection has ended. Keeps it.
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
