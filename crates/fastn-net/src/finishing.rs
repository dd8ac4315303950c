//! What a connection has sent and its peer has not acknowledged yet: closing waits for it.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};

use iroh::endpoint::{StoppedError, VarInt};
use tokio::sync::Notify;

/// noq's `Stopped`, whose name iroh does not export.
pub(crate) type Acknowledged = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send>>;

/// Finished halves that are not yet acknowledged, and finished streams whose header is not.
#[derive(Default)]
pub(crate) struct Finishing {
    halves: Mutex<Halves>,
    missing_acks: AtomicUsize,
    /// Something was acknowledged that somebody may wait for, or somebody gave up waiting.
    settled: Notify,
}

impl Finishing {
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
            if !self.lock().waited.contains(&stream) {
                return Ok(());
            }
            // Somebody else waits for the same; when that one is done, or gives up, it is looked for again.
            settled.await;
        }
    }

    /// Waits until nothing is left. A lost connection leaves nothing of the halves.
    pub(crate) async fn all(&self) {
        loop {
            let settled = self.settled.notified();
            if let Some(waiting) = Waiting::any(self) {
                let _ = waiting.done().await;
            } else if self.lock().waited.is_empty() && self.missing_acks.load(Ordering::Acquire) == 0 {
                return;
            } else {
                settled.await;
            }
        }
    }

    /// Finished halves that nobody has acknowledged.
    pub(crate) fn left(&self) -> usize {
        let mut halves = self.lock();
        halves.sweep();
        halves.list.len() + halves.waited.len()
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().expect("no panic while held")
    }
}

/// Swept as it doubles, so that it costs next to nothing for each stream.
#[derive(Default)]
struct Halves {
    list: Vec<(u64, Acknowledged)>,
    sweep_at: usize,
    /// Streams that were taken out of the list by somebody who waits.
    waited: Vec<u64>,
}

impl Halves {
    const SMALLEST: usize = 64;

    fn push(&mut self, stream: u64, acknowledged: Acknowledged) {
        if self.list.len() >= self.sweep_at.max(Self::SMALLEST) {
            self.sweep();
            self.sweep_at = self.list.len() * 2;
        }
        self.list.push((stream, acknowledged));
    }

    fn sweep(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.list.retain_mut(|(_, acknowledged)| acknowledged.as_mut().poll(&mut cx).is_pending());
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
        result.map(|_| ()).map_err(|_| ())
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut halves = self.finishing.lock();
        halves.waited.retain(|stream| *stream != self.stream);
        halves.list.extend(self.acknowledged.take().map(|acknowledged| (self.stream, acknowledged)));
        drop(halves);
        self.finishing.settled.notify_waiters();
    }
}
