//! A stream that nobody reads or writes at present: what may end it all the same.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use super::stop::Stop;
use super::{
    Stream,
    ack::Ack,
    write::{Both, stopped},
};
use crate::error::Error;

impl Stream {
    /// Watches a sending half that is still open from now on, so that it can be given back when the peer stops it:
    /// [`Stream::idle`] and reading look for that, and arm their waker for it. Whoever writes or flushes next hears of it. For
    /// streams that live on for a while: watching costs about as much as a small write.
    pub fn watch_stop(&mut self) {
        if let (Some(send), Stop::Unwatched) = (&self.send, &self.stop) {
            self.stop = self.connection.stop_watches().start(send).map_or(Stop::Unwatched, Stop::Watched);
        }
    }

    /// While nobody reads, sends what still waits to be sent first, and looks for what may give the halves back: the peer's stop, if
    /// that is watched; and behind our own end, the peer's, as [`Stream::read_ahead`] does. The waker stays armed for each.
    pub fn idle(&mut self, cx: &mut Context<'_>, limit: usize) {
        self.flush_or_wake(cx.waker());
        self.wake_writer();
        self.poll_stop(cx);
        if self.send.is_none() {
            self.read_ahead(cx, limit);
        }
        self.settle();
    }

    pub(super) fn poll_stop(&mut self, cx: &mut Context<'_>) {
        let Stop::Watched(watch) = &mut self.stop else { return };
        let Poll::Ready(stopped) = watch.poll(cx) else { return };
        self.stop = stopped.map_or(Stop::Unwatched, Stop::Unheard);
        if let Some(waker) = self.end_waker.take() {
            waker.wake();
        }
        if let Some(code) = stopped {
            self.unsent.clear();
            self.reset_own(code);
            self.settle();
            // While the whole connection waits for room, QUIC tells a writer nothing of a stop.
            self.wake_writer();
        }
    }

    /// Ready with the reason once the peer has ended the sending half: a stop, a refusal, the end of the connection. Watches the half
    /// from now on, see [`Stream::watch_stop`]. Pending for a half that this side has ended.
    ///
    /// Takes nothing from readers and writers, which get the same error when they call next. One waiter at a time; its waker is kept
    /// apart from theirs. Cancel-safe.
    pub fn poll_send_ended(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.watch_stop();
        self.poll_stop(cx);
        self.end_waker = Some(cx.waker().clone());
        if let Some(code) = self.stop.code() {
            ready!(self.poll_refusal(cx));
            return Poll::Ready(self.failure_of_both().unwrap_or_else(|| stopped(code)));
        }
        match self.failure_of_both() {
            Some(error) => Poll::Ready(error),
            None if self.send.is_some() && !self.connection.is_live() => Poll::Ready(self.connection.lost_error()),
            None => Poll::Pending,
        }
    }

    /// A refusal stops the sending half as well; its line says why, and may come a packet later.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.ack, Ack::Done) || self.recv.is_none() {
            return Poll::Ready(());
        }
        // QUIC wakes the last one who asked for bytes: a reader that waits must be woken too.
        let reader = self.reader.clone();
        let both = Waker::from(Arc::new(Both(cx.waker().clone(), reader.clone())));
        let answered = self.poll_ack(&mut Context::from_waker(&both));
        self.reader = reader;
        if ready!(answered).is_err() {
            self.unheard = true;
        }
        Poll::Ready(())
    }

    fn failure_of_both(&self) -> Option<Error> {
        self.failed.as_ref().filter(|failed| failed.both).map(|failed| failed.error.clone())
    }
}
