//! A stream that a peer opened.

use tracing::debug;

use crate::{log_target, protocol::Protocol, stream::Stream, wire::refusal::Refusal};

/// A stream that a peer opened, accepted and ready to be handled.
#[derive(Debug)]
pub struct IncomingStream {
    /// The stream.
    pub stream: Stream,
    /// Index of its protocol among those of the listener; `None` for a stream of the fallback.
    pub route: Option<usize>,
    /// The protocol of its header; only for a stream of the fallback.
    pub protocol: Option<Protocol>,
}

impl IncomingStream {
    /// Refuses a queued stream: sends the refusal line if its ack is unsent, else resets it.
    pub(crate) fn refuse(self, refusal: &Refusal) {
        let Self { mut stream, .. } = self;
        if stream.refuse(refusal) {
            let (peer, connection, stream_id) = (stream.connection().remote(), stream.connection().id(), stream.id());
            debug!(target: log_target::STREAM, %peer, connection, stream = stream_id, code = refusal.word, "refused from a queue");
            stream.connection().counters().refusal_sent(&refusal.word);
        }
    }
}
