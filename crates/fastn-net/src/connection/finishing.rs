//! What a connection has to send as the last of its streams, and what its peer has not acknowledged yet: closing waits for both.

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

/// Finished halves that are not yet written or acknowledged, and finished streams whose header is not.
///
/// Small last words are not written by whoever finishes their streams but by the connection's own task: as many as are there
/// together, on the thread that sends them, so that nobody waits for QUIC's lock on the connection meanwhile.
#[derive(Default)]
pub(crate) struct Finishing {
    halves: Mutex<Halves>,
    writer: AtomicWaker,
    missing_acks: AtomicUsize,
    /// Something was acknowledged that somebody may wait for, or somebody gave up waiting.
    settled: Notify,
}

/// The last of a sending half, all of it still to be written, and then the FIN.
pub(crate) struct Last {
    pub(crate) send: SendStream,
    pub(crate) bytes: Vec<u8>,
}

impl Finishing {
    /// Leaves what is last to the connection's task. Gives it back when that has ended.
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

    /// Runs the rest of the connection's task, and writes what is left to it meanwhile.
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
        // What is written after a connection's end fails as it should.
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
            // It is still to be written, or somebody else waits for the same: when that changes, it is looked for again.
            settled.await;
        }
    }

    /// Waits until nothing is left. A lost connection leaves nothing of the halves.
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

    /// Finished halves that nobody has acknowledged, those included that were lost with the connection.
    pub(crate) fn left(&self) -> usize {
        let mut halves = self.lock();
        halves.sweep();
        halves.list.len() + halves.waited.len() + halves.outbox.len() + halves.in_hand.len() + halves.lost.len()
    }

    /// The connection has ended, and its task with it, if it ever had one: what is not acknowledged never will be.
    pub(crate) fn over(&self) {
        let mut halves = self.lock();
        halves.sweep();
        let unwritten = halves.over();
        drop(halves);
        // Dropping a half takes QUIC's lock.
        drop(unwritten);
        self.settled.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().expect("no panic while held")
    }
}

/// Whatever ends the connection's task, a panic included, nobody waits for what it will not write.
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

    /// While the whole connection waits for room, QUIC wakes a writer whose half the peer stops, and tells it nothing.
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
    /// What the connection's task has still to take.
    outbox: Vec<Last>,
    /// Streams whose last the connection's task has taken, and not written.
    in_hand: Vec<u64>,
    /// There is no such task any more.
    unattended: bool,
    list: Vec<(u64, Acknowledged)>,
    sweep_at: usize,
    /// Streams that were taken out of the list by somebody who waits.
    waited: Vec<u64>,
    /// Streams that were not acknowledged when the connection ended: whoever asks later must not take them for acknowledged.
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

/// One acknowledgement that somebody waits for. Dropped early, it goes back into the list.
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
