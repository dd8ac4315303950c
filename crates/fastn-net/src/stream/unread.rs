//! A stream that nobody reads or writes at present: what may end it all the same.

use std::task::{Context, Poll};

use super::{Stream, stop_watch::Stop};

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
        if let Some(code) = stopped {
            self.unsent.clear();
            self.reset_own(code);
            self.settle();
            // While the whole connection waits for room, QUIC tells a writer nothing of a stop.
            self.wake_writer();
        }
    }
}
