//! Deferred final writes and unacknowledged FINs of a connection. Closing waits for both.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use futures_util::task::AtomicWaker;
use iroh::endpoint::{SendStream, StoppedError, VarInt, WriteError};
use tokio::sync::Notify;

/// noq's `Stopped`, whose name iroh does not export.
pub(crate) type Acknowledged = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send>>;

/// Finished halves without a write or an acknowledgement, and finished streams without a written header.
///
/// The connection's own task writes small final payloads, in batches. It runs on the thread that sends them. So no caller of
/// `finish` waits for QUIC's connection lock.
#[derive(Default)]
pub(crate) struct Finishing {
    halves: Mutex<Halves>,
    writer: AtomicWaker,
    missing_acks: AtomicUsize,
    /// Notifies waiters of an acknowledgement, and of a waiter that gave up.
    settled: Notify,
}

/// The last of a sending half, all of it still to be written, and then the FIN.
pub(crate) struct Last {
    pub(crate) send: SendStream,
    pub(crate) bytes: Vec<u8>,
}

impl Finishing {
    /// Defers a final write to the connection's task. Returns it if that task has ended.
    pub(crate) fn leave(&self, last: Last) -> Result<(), Last> {
        let mut halves = self.lock();
        if halves.unattended {
            return Err(last);
        }
        halves.outbox.push(last);
        drop(halves);
        self.writer.wake();
        Ok(())
    }

    /// Runs `rest`, the connection's task, and performs the deferred writes meanwhile.
    pub(crate) async fn write_while(&self, rest: impl Future<Output = ()>) {
        let mut rest = pin!(rest);
        let mut blocked = Vec::new();
        let attendant = Attendant(self);
        poll_fn(|cx| {
            self.writer.register(cx.waker());
            self.write(cx, &mut blocked);
            rest.as_mut().poll(cx)
        })
        .await;
        // Writes after the end of the connection fail with the error of the connection.
        self.lock().unattended = true;
        self.write(&mut Context::from_waker(Waker::noop()), &mut blocked);
        drop(attendant);
    }

    fn write(&self, cx: &mut Context<'_>, blocked: &mut Vec<Last>) {
        let mut halves = self.lock();
        if halves.outbox.is_empty() && blocked.is_empty() {
            return;
        }
        blocked.append(&mut halves.outbox);
        halves.hold(blocked);
        drop(halves);
        let mut written = Vec::with_capacity(blocked.len());
        blocked.retain_mut(|last| match last.poll_write(cx) {
            Poll::Pending => true,
            // As where a stream is finished: of one that the peer stopped noq is not asked.
            Poll::Ready(Err(WriteError::Stopped(_))) => false,
            Poll::Ready(_) => {
                written.push((last.id(), Box::pin(last.send.stopped()) as Acknowledged));
                false
            }
        });
        let mut halves = self.lock();
        halves.hold(blocked);
        for (stream, acknowledged) in written {
            halves.push(stream, acknowledged);
        }
        drop(halves);
        self.settled.notify_waiters();
    }

    /// Our half of a stream was finished.
    pub(crate) fn push(&self, stream: u64, acknowledged: Acknowledged) {
        self.lock().push(stream, acknowledged);
    }

    /// The acknowledgement of a finished stream's header is missing, or is not any more.
    pub(crate) fn missing_ack(&self, missing: bool) {
        if missing {
            self.missing_acks.fetch_add(1, Ordering::Relaxed);
        } else if self.missing_acks.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.settled.notify_waiters();
        }
    }

    /// Waits until all of a finished stream is acknowledged, or was stopped; fails when the connection was lost before.
    pub(crate) async fn acknowledged(&self, stream: u64) -> Result<(), ()> {
        loop {
            let settled = self.settled.notified();
            if let Some(waiting) = Waiting::take(self, stream) {
                return waiting.done().await;
            }
            if let Some(settled) = self.lock().settled(stream) {
                return settled;
            }
            // The write is pending, or another task waits for the same acknowledgement: look again after the next change.
            settled.await;
        }
    }

    /// Waits until no write or acknowledgement is pending. A lost connection has none.
    pub(crate) async fn all(&self) {
        loop {
            let settled = self.settled.notified();
            if let Some(waiting) = Waiting::any(self) {
                let _ = waiting.done().await;
            } else if self.lock().is_empty() && self.missing_acks.load(Ordering::Acquire) == 0 {
                return;
            } else {
                settled.await;
            }
        }
    }

    /// Number of finished halves without an acknowledgement, including those lost with the connection.
    pub(crate) fn left(&self) -> usize {
        let mut halves = self.lock();
        halves.sweep();
        halves.list.len() + halves.waited.len() + halves.outbox.len() + halves.in_hand.len() + halves.lost.len()
    }

    /// Marks the connection and its task as ended. Pending acknowledgements will never arrive.
    pub(crate) fn over(&self) {
        let mut halves = self.lock();
        halves.sweep();
        let unwritten = halves.over();
        halves.list.shrink_to_fit();
        drop(halves);
        // Dropping a half takes QUIC's lock.
        drop(unwritten);
        self.settled.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().expect("no panic while held")
    }
}

/// Releases all waiters when the connection's task ends, also by a panic.
struct Attendant<'a>(&'a Finishing);

impl Drop for Attendant<'_> {
    fn drop(&mut self) {
        self.0.over();
    }
}

impl Last {
    fn id(&self) -> u64 {
        self.send.id().into()
    }

    /// Ready when all of it was taken, or nothing of it will be: a peer that stopped it, or a connection that was lost.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        while !self.bytes.is_empty() {
            let count = match Pin::new(&mut self.send).poll_write(cx, &self.bytes) {
                Poll::Ready(written) => written?,
                Poll::Pending => match self.stopped() {
                    Some(code) => return Poll::Ready(Err(WriteError::Stopped(code))),
                    None => return Poll::Pending,
                },
            };
            self.bytes.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    /// Polls for a stop by the peer. While the whole connection is blocked, QUIC wakes a writer of a stopped half without a
    /// reason.
    fn stopped(&self) -> Option<VarInt> {
        match pin!(self.send.stopped()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(code)) => code,
            _ => None,
        }
    }
}

/// Swept as it doubles, so that it costs next to nothing for each stream.
#[derive(Default)]
struct Halves {
    /// Final writes that the connection's task has not taken yet.
    outbox: Vec<Last>,
    /// Streams whose final write the connection's task has taken but not performed.
    in_hand: Vec<u64>,
    /// There is no such task any more.
    unattended: bool,
    list: Vec<(u64, Acknowledged)>,
    sweep_at: usize,
    /// Streams that a waiter has taken out of the list.
    waited: Vec<u64>,
    /// Streams without an acknowledgement when the connection ended. A later query must not report them as acknowledged.
    lost: Vec<u64>,
}

impl Halves {
    const SMALLEST: usize = 64;

    fn push(&mut self, stream: u64, acknowledged: Acknowledged) {
        if self.list.len() >= self.sweep_at.max(Self::SMALLEST) {
            self.sweep();
            self.sweep_at = self.list.len() * 2;
        }
        self.list.push((stream, acknowledged));
        if self.unattended {
            // It is kept no longer than the connection: it would keep the endpoint's sockets open.
            self.sweep();
        }
    }

    fn hold(&mut self, taken: &[Last]) {
        self.in_hand.clear();
        self.in_hand.extend(taken.iter().map(Last::id));
    }

    /// What became of a stream that was not in the list just before; none while it may be on its way into it, or there by now.
    fn settled(&self, stream: u64) -> Option<Result<(), ()>> {
        let is_left = self.list.iter().any(|(id, _)| *id == stream)
            || self.in_hand.contains(&stream)
            || self.waited.contains(&stream)
            || self.outbox.iter().any(|last| last.id() == stream);
        (!is_left).then(|| if self.lost.contains(&stream) { Err(()) } else { Ok(()) })
    }

    /// Nothing is written any more; gives what will not be.
    fn over(&mut self) -> Vec<Last> {
        self.unattended = true;
        let unwritten = std::mem::take(&mut self.outbox);
        self.lost.append(&mut self.in_hand);
        self.lost.extend(unwritten.iter().map(Last::id));
        unwritten
    }

    fn is_empty(&self) -> bool {
        self.list.is_empty() && self.in_hand.is_empty() && self.outbox.is_empty() && self.waited.is_empty()
    }

    fn sweep(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.list.retain_mut(|(stream, acknowledged)| match acknowledged.as_mut().poll(&mut cx) {
            Poll::Pending => true,
            Poll::Ready(ended) => {
                self.lost.extend(ended.is_err().then_some(*stream));
                false
            }
        });
    }
}

/// One acknowledgement with a waiter. Returns to the list when dropped early.
struct Waiting<'a> {
    finishing: &'a Finishing,
    stream: u64,
    acknowledged: Option<Acknowledged>,
}

impl<'a> Waiting<'a> {
    fn take(finishing: &'a Finishing, stream: u64) -> Option<Self> {
        Self::out_of(finishing, |list| list.iter().position(|(id, _)| *id == stream))
    }

    fn any(finishing: &'a Finishing) -> Option<Self> {
        Self::out_of(finishing, |list| list.len().checked_sub(1))
    }

    fn out_of(finishing: &'a Finishing, at: impl Fn(&[(u64, Acknowledged)]) -> Option<usize>) -> Option<Self> {
        let mut halves = finishing.lock();
        let (stream, acknowledged) = at(&halves.list).map(|at| halves.list.swap_remove(at))?;
        halves.waited.push(stream);
        Some(Self { finishing, stream, acknowledged: Some(acknowledged) })
    }

    async fn done(mut self) -> Result<(), ()> {
        let result = self.acknowledged.as_mut().expect("present until dropped").as_mut().await;
        self.acknowledged = None;
        result.map(|_| ()).map_err(|_| self.finishing.lock().lost.push(self.stream))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut halves = self.finishing.lock();
        halves.waited.retain(|stream| *stream != self.stream);
        if let Some(acknowledged) = self.acknowledged.take() {
            halves.push(self.stream, acknowledged);
        }
        drop(halves);
        self.finishing.settled.notify_waiters();
    }
}
