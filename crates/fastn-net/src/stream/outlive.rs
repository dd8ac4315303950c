//! Streams that somebody holds longer than their connection lives.

use std::task::{Context, Waker};

use super::{Stop, Stream};

/// All that a window let in.
const ALL: usize = usize::MAX / 2;

impl Stream {
    /// Lets go of QUIC where the connection has ended, for that keeps the endpoint's sockets open. Whatever had arrived is kept for
    /// whoever reads, and behind it why nothing follows. A stream whose connection lives is left as it is.
    pub fn outlive(&mut self) {
        if self.connection.is_live() {
            return;
        }
        self.read_ahead(&mut Context::from_waker(Waker::noop()), ALL);
        if let Stop::Watched(_) = self.stop {
            self.stop = Stop::Unwatched;
        }
        if self.send.take().is_some() {
            let error = self.connection_error();
            self.fail(error, true);
        }
        self.settle();
    }
}
