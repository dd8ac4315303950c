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

/// Collects the records of one listener until dropped.
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

    /// Polls for records: returns at most `most` of them as a JSON array, or arms the waker. A record with the field `dropped` stands in
    /// place of dropped ones, with their number. Call again until pending.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, most: usize) -> Poll<String> {
        self.0.queue.poll_take(cx, most)
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        sinks::remove(&self.0);
    }
}
