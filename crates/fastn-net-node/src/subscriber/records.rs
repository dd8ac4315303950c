//! The records of one listener.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use fastn_net::{Code, Error, Result};

use super::{
    filter::Filter,
    layer::install,
    sinks::{self, Queue, Sink},
};

/// The records of one listener, from its making until it is dropped.
#[derive(Debug)]
pub(crate) struct Records(Arc<Sink>);

impl Records {
    /// Collects records that pass the filter. Buffers at most `bytes` of them.
    ///
    /// # Errors
    ///
    /// `ERR_BUSY` when another program owns the tracing of this process.
    pub(crate) fn new(filter: Filter, bytes: usize) -> Result<Self> {
        let sink = Arc::new(Sink { filter, queue: Queue::new(bytes) });
        if !install(Filter::default()) {
            let text =
                "another program in this process has installed a tracing subscriber of its own: take the records there";
            return Err(Error::new(Code::Busy, text));
        }
        sinks::add(&sink);
        Ok(Self(sink))
    }

    /// The next records as a JSON array, `most` of them, or the waker is armed. What had to be dropped is a record of its
    /// own, in its place, with their number as `dropped`. Call again until it is pending.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, most: usize) -> Poll<String> {
        self.0.queue.poll_take(cx, most)
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        sinks::remove(&self.0);
    }
}
