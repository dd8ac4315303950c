//! Long calls: started on the runtime, their outcomes taken by JavaScript when the wake queue names them.

use std::sync::{Arc, Mutex};

use fastn_net::{CloseInfo, ConnectionGuard, Endpoint, Result, Stream, tunnel::Tunnel};
use tokio::task::AbortHandle;

/// A call that runs. Dropping it ends the native work.
pub(crate) struct Operation {
    pub(super) outcome: Arc<Mutex<Option<Result<Outcome>>>>,
    pub(super) task: AbortHandle,
}

/// Result of an operation.
pub(crate) enum Outcome {
    Nothing,
    Endpoint(Endpoint),
    Connection(Endpoint, ConnectionGuard),
    Stream(Box<Stream>),
    Text(String),
    Number(f64),
    Closed(CloseInfo),
    Tunnel(Tunnel),
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.task.abort();
    }
}
