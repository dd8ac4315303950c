//! How a stream ends while no call reads or writes it.

use std::task::{Context, Poll, ready};

use super::{SendState, Stream, wakers::together, write::stopped};
use crate::{
    connection::{grant::Waiter, stop_watch::PeerStopWatch},
    error::Error,
};

impl Stream {
    /// Watches an open sending half from now on, so that it is released when the peer stops it. [`Stream::idle`] and reading look
    /// for a stop, and arm their waker for one. The next write or flush reports it. For long-lived streams: watching costs about as
    /// much as a small write.
    pub fn watch_stop(&mut self) {
        if let (Some(send), None) = (&self.send, &self.stop_watch) {
            self.stop_watch = Some(PeerStopWatch::new(send));
        }
    }

    /// Call while no call reads. Sends an unsent header, and looks for the events that may release the halves: the deadline of the ack,
    /// the peer's stop if that is watched, and behind our own FIN the peer's, as [`Stream::read_ahead`] does. The waker stays armed for
    /// each.
    pub fn idle(&mut self, cx: &mut Context<'_>, limit: usize) {
        self.check_ends();
        self.read_waker = Some(cx.waker().clone());
        self.flush_or_wake(cx.waker());
        self.wake_writer();
        self.poll_stop(cx);
        if !self.send_state.is_live() {
            self.read_ahead(cx, limit);
        }
        self.wake_on_revocation(Waiter::Reader, cx.waker());
    }

    pub(super) fn poll_stop(&mut self, cx: &mut Context<'_>) {
        let Some(watch) = &mut self.stop_watch else { return };
        let all = together(cx.waker(), [&self.read_waker, &self.end_waker]);
        let waker = all.as_ref().unwrap_or(cx.waker());
        let Poll::Ready(stopped) = watch.poll(&mut Context::from_waker(waker)) else { return };
        self.stop_watch = None;
        self.wake_ended();
        if let Some(code) = stopped {
            self.discard_unsent();
            self.stopped_by_peer(code.into());
            // While the whole connection is blocked by flow control, QUIC does not report a stop to a writer.
            self.wake_writer();
        }
    }

    /// Ready with the reason once the peer has ended the sending half: a stop, a refusal, the end of the connection. Watches the half
    /// from now on, see [`Stream::watch_stop`]. Pending for a half that this side has ended.
    ///
    /// Does not consume the error: readers and writers get it with their next call. One waiter at a time; its waker is kept
    /// apart from theirs. Cancel-safe.
    pub fn poll_send_ended(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.check_ends();
        self.watch_stop();
        self.poll_stop(cx);
        self.end_waker = Some(cx.waker().clone());
        if let Some(deadline) = &self.ack_deadline {
            deadline.wake_ended(cx.waker());
        }
        if let SendState::Stopped { code, .. } = self.send_state {
            // A refusal also stops the sending half; its line says why, and may come a packet later.
            if self.awaits_ack() {
                let _ = ready!(self.poll_answer_beside_reader(cx));
            }
            return Poll::Ready(self.whole_failure().unwrap_or_else(|| stopped(code)));
        }
        match self.whole_failure() {
            Some(error) => Poll::Ready(error),
            None if self.send_state.is_live() && !self.connection.is_live() => Poll::Ready(self.fail_lost()),
            None => {
                self.wake_on_revocation(Waiter::Ended, cx.waker());
                Poll::Pending
            }
        }
    }
}
