//! Deferred final writes and unacknowledged FINs of a connection. Closing waits for both.

use std::{
    collections::HashSet,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use futures_util::task::AtomicWaker;
use iroh::endpoint::{StoppedError, VarInt, WriteError};
use tokio::sync::Notify;

use super::final_write::FinalWrite;
use crate::error::Error;

/// noq's `Stopped` future, whose name iroh does not export. Resolves once a finished half is acknowledged or stopped.
pub(crate) type Delivery = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send>>;

/// Finished halves whose last bytes are unwritten or unacknowledged, and finished streams without a header ack.
///
/// The connection's own task, its driver, performs small final writes in batches, on the thread that sends them. So no caller
/// of `finish` waits for QUIC's connection lock.
#[derive(Default)]
pub(crate) struct Deliveries {
    state: Mutex<State>,
    driver: AtomicWaker,
    /// Finished streams whose header is not acknowledged.
    missing_header_acks: Mutex<HashSet<u64>>,
    /// Notified by each acknowledgement, and when a waiter is dropped.
    changed: Notify,
    /// Notified when the header ack of a finished stream has not arrived in time.
    expired: Notify,
}

impl Deliveries {
    /// Defers a final write to the driver.
    ///
    /// # Errors
    ///
    /// Returns the write if the driver is gone.
    pub(crate) fn defer_write(&self, last: FinalWrite) -> Result<(), FinalWrite> {
        let mut state = self.lock();
        if state.driver_gone {
            return Err(last);
        }
        state.deferred_writes.push(last);
        drop(state);
        self.driver.wake();
        Ok(())
    }

    /// Runs `task`, the rest of the connection's task, and performs the deferred writes until it ends.
    pub(crate) async fn drive(&self, task: impl Future<Output = ()>) {
        let mut task = pin!(task);
        let mut blocked = Vec::new();
        let guard = DriverGuard(self);
        poll_fn(|cx| {
            self.driver.register(cx.waker());
            self.write(cx, &mut blocked);
            task.as_mut().poll(cx)
        })
        .await;
        // Later writes fail at once, with the error of the connection.
        self.lock().driver_gone = true;
        self.write(&mut Context::from_waker(Waker::noop()), &mut blocked);
        drop(guard);
    }

    fn write(&self, cx: &mut Context<'_>, blocked: &mut Vec<FinalWrite>) {
        let mut state = self.lock();
        if state.deferred_writes.is_empty() && blocked.is_empty() {
            return;
        }
        blocked.append(&mut state.deferred_writes);
        state.set_writing(blocked);
        drop(state);
        let mut written = Vec::with_capacity(blocked.len());
        blocked.retain_mut(|last| match last.poll_write(cx) {
            Poll::Pending => true,
            // noq keeps state for each stopped half that is asked for its acknowledgement. `Stream::finish` avoids that too.
            Poll::Ready(Err(WriteError::Stopped(_))) => false,
            Poll::Ready(_) => {
                written.push((last.id(), Box::pin(last.send.stopped()) as Delivery));
                false
            }
        });
        let mut state = self.lock();
        state.set_writing(blocked);
        for (stream, delivery) in written {
            state.push(stream, delivery);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Adds a finished sending half.
    pub(crate) fn push(&self, stream: u64, delivery: Delivery) {
        self.lock().push(stream, delivery);
    }

    /// Adds a stream that failed while it was finished.
    pub(crate) fn push_lost(&self, stream: u64) {
        self.lock().lost.push(stream);
    }

    /// Adds a finished stream whose header is not acknowledged, until [`Deliveries::header_ack_settled`].
    pub(crate) fn await_header_ack(&self, stream: u64) {
        self.missing_header_acks().insert(stream);
    }

    /// The header ack of a finished stream arrived, or never will.
    pub(crate) fn header_ack_settled(&self, stream: u64) {
        let mut missing = self.missing_header_acks();
        missing.remove(&stream);
        let is_last = missing.is_empty();
        drop(missing);
        if is_last {
            self.changed.notify_waiters();
        }
    }

    /// The header of a finished stream was not acknowledged in time: its waiters fail with this error.
    pub(crate) fn expire(&self, stream: u64, error: Error) {
        let mut state = self.lock();
        let mut expired = std::mem::take(&mut state.expired);
        expired.push((stream, error));
        // Drops those that QUIC has acknowledged since.
        expired.retain(|(id, _)| state.outcome(*id).is_none());
        state.expired = expired;
        drop(state);
        self.expired.notify_waiters();
    }

    /// Waits until a finished stream is acknowledged completely, or stopped. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The stream's error if its header was not acknowledged in time; `None` if the connection ended first.
    pub(crate) async fn delivered(&self, stream: u64) -> Result<(), Option<Error>> {
        loop {
            let (changed, expired) = (self.changed.notified(), self.expired.notified());
            if let Some((_, error)) = self.lock().expired.iter().find(|(id, _)| *id == stream) {
                return Err(Some(error.clone()));
            }
            if let Some(waiter) = DeliveryWaiter::take(self, stream) {
                tokio::select! {
                    outcome = waiter.wait() => return outcome.map_err(|()| None),
                    () = expired => continue,
                }
            }
            if let Some(outcome) = self.lock().outcome(stream) {
                return outcome.map_err(|()| None);
            }
            // The write is pending, or another task waits for the same acknowledgement.
            tokio::select! {
                () = changed => {}
                () = expired => {}
            }
        }
    }

    /// Waits until no write and no acknowledgement is pending. A lost connection has none. Cancel-safe.
    pub(crate) async fn all_delivered(&self) {
        loop {
            let changed = self.changed.notified();
            if let Some(waiter) = DeliveryWaiter::take_any(self) {
                let _ = waiter.wait().await;
            } else if self.lock().is_empty() && self.missing_header_acks().is_empty() {
                return;
            } else {
                changed.await;
            }
        }
    }

    /// Number of finished streams without an acknowledgement of their header or their last bytes, including those lost with the
    /// connection.
    pub(crate) fn count(&self) -> usize {
        let mut state = self.lock();
        state.sweep();
        let mut streams = self.missing_header_acks().clone();
        streams.extend(state.unacknowledged());
        streams.len()
    }

    /// Marks the connection and its driver as gone: pending acknowledgements never arrive. Idempotent.
    pub(crate) fn connection_ended(&self) {
        let mut state = self.lock();
        state.sweep();
        let unwritten = state.end();
        state.undelivered.shrink_to_fit();
        drop(state);
        // Dropping a half takes QUIC's lock.
        drop(unwritten);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    fn missing_header_acks(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.missing_header_acks.lock().expect("no panic while held")
    }
}

/// Releases all waiters when the driver ends, even by a panic.
struct DriverGuard<'a>(&'a Deliveries);

impl Drop for DriverGuard<'_> {
    fn drop(&mut self) {
        self.0.connection_ended();
    }
}

/// Swept whenever it doubles, so that the amortized cost per stream is constant.
#[derive(Default)]
struct State {
    /// Final writes that the driver has not taken yet.
    deferred_writes: Vec<FinalWrite>,
    /// Streams whose final write the driver has taken and not completed.
    writing: Vec<u64>,
    /// The driver has ended: nothing is written any more.
    driver_gone: bool,
    undelivered: Vec<(u64, Delivery)>,
    sweep_at: usize,
    /// Streams that a [`DeliveryWaiter`] has taken out of `undelivered`.
    awaited: Vec<u64>,
    /// Streams without an acknowledgement when the connection ended. A later query must not report them as acknowledged.
    lost: Vec<u64>,
    /// Streams whose header was not acknowledged in time, while QUIC's acknowledgement of the rest is pending.
    expired: Vec<(u64, Error)>,
}

impl State {
    const MIN_SWEEP: usize = 64;

    fn push(&mut self, stream: u64, delivery: Delivery) {
        if self.undelivered.len() >= self.sweep_at.max(Self::MIN_SWEEP) {
            self.sweep();
            self.sweep_at = self.undelivered.len() * 2;
        }
        self.undelivered.push((stream, delivery));
        if self.driver_gone {
            // Without a driver nothing else drops it, and it keeps the endpoint's sockets open.
            self.sweep();
        }
    }

    fn set_writing(&mut self, taken: &[FinalWrite]) {
        self.writing.clear();
        self.writing.extend(taken.iter().map(FinalWrite::id));
    }

    /// The outcome of a stream that was not in `undelivered` a moment ago. `None` while it may be on its way there.
    fn outcome(&self, stream: u64) -> Option<Result<(), ()>> {
        let is_pending = self.undelivered.iter().any(|(id, _)| *id == stream)
            || self.writing.contains(&stream)
            || self.awaited.contains(&stream)
            || self.deferred_writes.iter().any(|last| last.id() == stream);
        (!is_pending).then(|| if self.lost.contains(&stream) { Err(()) } else { Ok(()) })
    }

    /// Ends all writes, and returns the unwritten ones.
    fn end(&mut self) -> Vec<FinalWrite> {
        self.driver_gone = true;
        let unwritten = std::mem::take(&mut self.deferred_writes);
        self.lost.append(&mut self.writing);
        self.lost.extend(unwritten.iter().map(FinalWrite::id));
        unwritten
    }

    /// The finished halves without an acknowledgement.
    fn unacknowledged(&self) -> impl Iterator<Item = u64> {
        let undelivered = self.undelivered.iter().map(|(stream, _)| *stream);
        let deferred = self.deferred_writes.iter().map(FinalWrite::id);
        let others = [&self.awaited, &self.writing, &self.lost].into_iter().flatten().copied();
        undelivered.chain(deferred).chain(others)
    }

    fn is_empty(&self) -> bool {
        self.undelivered.is_empty()
            && self.writing.is_empty()
            && self.deferred_writes.is_empty()
            && self.awaited.is_empty()
    }

    /// Removes the acknowledged halves, and moves those of a lost connection to `lost`.
    fn sweep(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.undelivered.retain_mut(|(stream, delivery)| match delivery.as_mut().poll(&mut cx) {
            Poll::Pending => true,
            Poll::Ready(ended) => {
                self.lost.extend(ended.is_err().then_some(*stream));
                false
            }
        });
    }
}

/// Waits for one acknowledgement. Puts it back when dropped early.
struct DeliveryWaiter<'a> {
    deliveries: &'a Deliveries,
    stream: u64,
    delivery: Option<Delivery>,
}

impl<'a> DeliveryWaiter<'a> {
    fn take(deliveries: &'a Deliveries, stream: u64) -> Option<Self> {
        Self::take_where(deliveries, |undelivered| undelivered.iter().position(|(id, _)| *id == stream))
    }

    fn take_any(deliveries: &'a Deliveries) -> Option<Self> {
        Self::take_where(deliveries, |undelivered| undelivered.len().checked_sub(1))
    }

    fn take_where(deliveries: &'a Deliveries, at: impl Fn(&[(u64, Delivery)]) -> Option<usize>) -> Option<Self> {
        let mut state = deliveries.lock();
        let (stream, delivery) = at(&state.undelivered).map(|at| state.undelivered.swap_remove(at))?;
        state.awaited.push(stream);
        Some(Self { deliveries, stream, delivery: Some(delivery) })
    }

    async fn wait(mut self) -> Result<(), ()> {
        let result = self.delivery.as_mut().expect("present until dropped").as_mut().await;
        self.delivery = None;
        result.map(|_| ()).map_err(|_| self.deliveries.lock().lost.push(self.stream))
    }
}

impl Drop for DeliveryWaiter<'_> {
    fn drop(&mut self) {
        let mut state = self.deliveries.lock();
        state.awaited.retain(|stream| *stream != self.stream);
        if let Some(delivery) = self.delivery.take() {
            state.push(self.stream, delivery);
        }
        drop(state);
        self.deliveries.changed.notify_waiters();
    }
}
