//! Callers that wait side by side on one stream.
//!
//! QUIC, and the ack deadline, wake only the last waker of an event. Where several callers wait for the same event, its waker wakes all
//! of them, so no wake is lost with a caller that is dropped.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use super::Stream;
use crate::error::Result;

impl Stream {
    /// Polls for the ack beside a reader, which keeps its wake.
    pub(super) fn poll_answer_beside_reader(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let reader = self.read_waker.clone();
        let answered = self.poll_answer(cx);
        self.read_waker = reader;
        answered
    }

    /// Reads one byte ahead, or the end, beside a reader, which keeps its wake.
    pub(super) fn read_ahead_beside_reader(&mut self) {
        let reader = self.read_waker.clone().unwrap_or_else(|| Waker::noop().clone());
        self.read_ahead(&mut Context::from_waker(&reader), 1);
    }

    /// Sends the unsent bytes beside a writer, which keeps its wake.
    pub(super) fn poll_unsent_beside_writer(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.unsent.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let writer = self.write_waker.clone();
        let all = together(cx.waker(), [&writer]);
        let sent = self.poll_unsent(&mut Context::from_waker(all.as_ref().unwrap_or(cx.waker())));
        self.write_waker = writer;
        sent
    }

    /// Wakes a waiting writer: another call may have consumed its event.
    pub(super) fn wake_writer(&mut self) {
        if let Some(writer) = self.write_waker.take() {
            writer.wake();
        }
    }

    /// Wakes a caller of [`Stream::poll_send_ended`].
    pub(super) fn wake_ended(&mut self) {
        if let Some(ended) = self.end_waker.take() {
            ended.wake();
        }
    }
}

/// A waker of this caller and the others; `None` if there are no others.
pub(super) fn together<const N: usize>(waker: &Waker, others: [&Option<Waker>; N]) -> Option<Waker> {
    let others =
        others.into_iter().flatten().filter(|other| !other.will_wake(waker) && !other.will_wake(Waker::noop()));
    let others: Vec<_> = others.cloned().collect();
    (!others.is_empty()).then(|| Waker::from(Arc::new(Together { waker: waker.clone(), others })))
}

struct Together {
    waker: Waker,
    others: Vec<Waker>,
}

impl Wake for Together {
    fn wake(self: Arc<Self>) {
        self.waker.wake_by_ref();
        for other in &self.others {
            other.wake_by_ref();
        }
    }
}
