//! The last bytes of a sending half, which the connection's task writes.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use iroh::endpoint::{SendStream, VarInt, WriteError};

/// A sending half with its last bytes. The FIN follows them.
pub(crate) struct FinalWrite {
    pub(crate) send: SendStream,
    pub(crate) bytes: Vec<u8>,
}

impl FinalWrite {
    pub(super) fn id(&self) -> u64 {
        self.send.id().into()
    }

    /// Ready once all bytes are written, or none of the rest can be.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        while !self.bytes.is_empty() {
            let count = match Pin::new(&mut self.send).poll_write(cx, &self.bytes) {
                Poll::Ready(written) => written?,
                Poll::Pending => match self.stop_code() {
                    Some(code) => return Poll::Ready(Err(WriteError::Stopped(code))),
                    None => return Poll::Pending,
                },
            };
            self.bytes.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    /// Polls for a stop by the peer. While the whole connection is blocked, QUIC wakes a writer of a stopped half without
    /// reporting the stop.
    pub(super) fn stop_code(&self) -> Option<VarInt> {
        match pin!(self.send.stopped()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(code)) => code,
            _ => None,
        }
    }
}
