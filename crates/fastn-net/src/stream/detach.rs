//! Streams that are held longer than their connection lives.

use std::task::{Context, Waker};

use super::Stream;

/// More than a receive window.
const ALL: usize = usize::MAX / 2;

impl Stream {
    /// Releases the QUIC handles of a closed connection, which keep the endpoint's sockets open. Buffered data stays readable,
    /// followed by the terminal error. No-op while the connection is live.
    pub fn detach_from_connection(&mut self) {
        if self.connection.is_live() {
            return;
        }
        self.read_ahead(&mut Context::from_waker(Waker::noop()), ALL);
        if self.send_state.is_live() {
            self.fail_lost();
        }
    }
}
