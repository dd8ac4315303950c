//! `Debug` of a stream: its state, and no byte of its payload.

use std::fmt;

use super::{Stream, ack::Ack};

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("id", &self.id)
            .field("connection", &self.connection)
            .field("is_acknowledged", &matches!(self.ack, Ack::Done))
            .field("is_send_open", &self.send.is_some())
            .field("is_recv_open", &self.recv.is_some())
            .field("unsent_bytes", &self.unsent.len())
            .field("buffered_bytes", &(self.buffered.len() - self.buffered_at))
            .finish_non_exhaustive()
    }
}
