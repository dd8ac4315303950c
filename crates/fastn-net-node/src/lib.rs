//! The Node-API binding of fastn-net. It marshals and wakes; it decides nothing.
//!
//! # Layout
//!
//! - `bridge`: the wake queue, the handle table, operations and the runtime. All `unsafe`, and all code that touches threads and
//!   the process lifetime.
//! - `arguments`: conversion of export arguments to core types.
//! - `options`: options of the core, by name.
//! - `subscriber`: the tracing events of the core, to stderr and to listeners.
//! - `identity`, `key_store`, `file_lock`, `service_manager`, `endpoint`, `listener`, `guard`, `policy`, `peer`, `watch`, `stream`,
//!   `connection`, `tunnel`, `logging`: the exports, in the order of `src/native/binding.ts`. Every export is synchronous and catches
//!   panics.
//!
//! # Results
//!
//! Functions on the byte path return a number. `bridge::PENDING`: the handle's waker is armed. `bridge::FAILED`: `takeError()` returns
//! the reason. Any other number is a handle or a count. A call on one stream also returns which halves are over: see `stream`. Rare and
//! long calls start an operation and return its handle. Take its outcome once the wake queue names it.

#![cfg_attr(test, allow(dead_code, reason = "napi leaves the exports out of the test build"))]
#![allow(unreachable_pub, reason = "exports are reached through the addon's own table")]
#![allow(clippy::needless_pass_by_value, reason = "what crosses is owned by the call")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "napi-rs hands out `Env` like this")]

mod arguments;
mod bridge;
mod connection;
mod endpoint;
mod file_lock;
mod guard;
mod identity;
mod key_store;
mod listener;
mod logging;
mod options;
mod peer;
mod policy;
mod proxy;
mod service_manager;
mod stream;
mod subscriber;
mod tunnel;
mod watch;

use napi::bindgen_prelude::Object;
use napi_derive::napi;

/// Adds the exports that napi-rs does not generate.
#[napi(module_exports)]
pub fn direct_exports(mut exports: Object<'_>) -> napi::Result<()> {
    bridge::export::<peer::OpenTry>(&mut exports)?;
    bridge::export::<stream::StreamRead>(&mut exports)?;
    bridge::export::<stream::StreamWrite>(&mut exports)
}
