//! `Debug` of a stream: its state, and no byte of its payload.

use std::fmt;

use super::Stream;

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("id", &self.id)
            .field("connection", &self.connection)
            .field("send", &self.send_state)
            .field("recv", &self.recv_state)
            .field("is_unacknowledged", &self.is_unacknowledged())
            .field("unsent_bytes", &self.unsent.len())
            .field("buffered_bytes", &self.buffered.len())
            .finish_non_exhaustive()
    }
}
