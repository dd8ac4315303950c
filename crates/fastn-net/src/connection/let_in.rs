//! Result of the authorization requests for the peer of a connection.

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::sync::Mutex;

use super::Connection;

/// The last authorization answer for the peer of one connection. Valid for its epoch.
#[derive(Debug, Default)]
pub(crate) struct LetIn {
    /// 0 until there is an answer, then `(epoch + 1) * 2`, plus 1 for a yes.
    answer: AtomicU64,
    asking: Mutex<()>,
}

impl Connection {
    /// Returns the answer of `epoch`, or requests it. Concurrent callers share one request. Cancel-safe: the next caller
    /// requests it.
    ///
    /// # Errors
    ///
    /// Those of `ask`; nothing is remembered then.
    pub(crate) async fn let_in<E>(&self, epoch: u64, ask: impl Future<Output = Result<bool, E>>) -> Result<bool, E> {
        if let Some(may) = self.was_let_in(epoch) {
            return Ok(may);
        }
        let _asking = self.0.let_in.asking.lock().await;
        if let Some(may) = self.was_let_in(epoch) {
            return Ok(may);
        }
        let may = ask.await?;
        self.note_let_in(epoch, may);
        Ok(may)
    }

    /// Remembers an answer, unless there is one of a later epoch.
    pub(crate) fn note_let_in(&self, epoch: u64, may: bool) {
        self.0.let_in.answer.fetch_max((epoch + 1) * 2 + u64::from(may), Ordering::AcqRel);
    }

    /// The answer of this epoch, or of a later one.
    pub(crate) fn was_let_in(&self, epoch: u64) -> Option<bool> {
        let answer = self.0.let_in.answer.load(Ordering::Acquire);
        (answer / 2 > epoch).then_some(answer % 2 == 1)
    }

    /// The last answer was a yes, in whatever epoch.
    pub(crate) fn is_let_in(&self) -> bool {
        self.was_let_in(0) == Some(true)
    }
}
