//! Cached authorization answer for the peer of a connection.

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::sync::Mutex;

use super::Connection;

/// The last authorization answer for the peer of one connection. Valid for its epoch.
#[derive(Debug, Default)]
pub(crate) struct PeerAdmission {
    /// 0 until there is an answer, then `(epoch + 1) * 2`, plus 1 if the peer is admitted.
    answer: AtomicU64,
    requesting: Mutex<()>,
}

impl Connection {
    /// Returns the answer of `epoch`, or requests it. Concurrent callers share one request. Cancel-safe: the next caller
    /// requests it.
    ///
    /// # Errors
    ///
    /// Those of `request`; they are not cached.
    pub(crate) async fn admit_peer<E>(
        &self,
        epoch: u64,
        request: impl Future<Output = Result<bool, E>>,
    ) -> Result<bool, E> {
        if let Some(admitted) = self.admission_in(epoch) {
            return Ok(admitted);
        }
        let _requesting = self.0.peer_admission.requesting.lock().await;
        if let Some(admitted) = self.admission_in(epoch) {
            return Ok(admitted);
        }
        let admitted = request.await?;
        self.set_admission(epoch, admitted);
        Ok(admitted)
    }

    /// Caches an answer, unless there is one of a later epoch.
    pub(crate) fn set_admission(&self, epoch: u64, admitted: bool) {
        self.0.peer_admission.answer.fetch_max((epoch + 1) * 2 + u64::from(admitted), Ordering::AcqRel);
    }

    /// The cached answer of this epoch, or of a later one.
    pub(crate) fn admission_in(&self, epoch: u64) -> Option<bool> {
        let answer = self.0.peer_admission.answer.load(Ordering::Acquire);
        (answer / 2 > epoch).then_some(answer % 2 == 1)
    }

    /// Whether the last answer admitted the peer, in any epoch.
    pub(crate) fn is_admitted(&self) -> bool {
        self.admission_in(0) == Some(true)
    }
}
