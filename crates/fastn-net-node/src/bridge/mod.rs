//! The only code that several threads share: wakes of JavaScript, the handle table, and running operations.
//!
//! - `runtime`: the one tokio runtime of the process
//! - `environment`: state of one JavaScript thread, and its cleanup
//! - `wakes`: from a waker on any thread to a word that JavaScript takes
//! - `table`: handles, each an index and a generation in one number
//! - `operation`, `start`: long calls and their outcomes
//! - `error`: errors as plain data
//! - `bytes`: JavaScript's memory as slices
//! - `direct`: exports of the byte path

#![expect(unsafe_code, reason = "the one module of the workspace that may; each use says why it is safe")]

mod bytes;
mod codes;
mod direct;
mod environment;
mod error;
mod operation;
mod runtime;
mod start;
mod table;
mod wakes;

use fastn_net::{Result, Stream};

pub(crate) use bytes::{id_to_number, number_to_id, numbers_mut};
pub(crate) use codes::{code_from_js, code_to_js};
pub(crate) use direct::{Arguments, DirectCall, export};
pub(crate) use environment::{Environment, close_before_exit, stale};
pub(crate) use error::BindingError;
pub(crate) use operation::Outcome;
pub(crate) use start::start;
pub(crate) use table::{Channel, ConnectionSlot, Slot, StreamSlot};

/// No result yet; the handle's waker is armed.
pub(crate) const PENDING: f64 = -1.0;
/// It failed; `takeError()` says why.
pub(crate) const FAILED: f64 = -2.0;

/// A stream that we opened, as a handle; its connection and its id go into `out`.
pub(crate) fn insert_stream(environment: &Environment, mut stream: Stream, out: &mut [f64]) -> Result<f64> {
    let ids = [stream.connection().id(), stream.id()];
    for (place, id) in out.iter_mut().zip(ids) {
        *place = id_to_number(id);
    }
    // JavaScript calls `streamsFlush` soon.
    stream.cork();
    let slot = StreamSlot { stream, protocol: None };
    environment.table.borrow_mut().insert(Slot::Stream(Box::new(slot)))
}
