//! The Node-API binding of fastn-net. It marshals and wakes; it decides nothing.
//!
//! # Layout
//!
//! - `bridge`: the wake queue, the handle table, operations, the runtime: all `unsafe`, all that touches
//!   threads and the life of the process.
//! - `arguments`: what exports are given, as the core takes it.
//! - `subscriber`: the tracing events of the core, to stderr and to listeners.
//! - `identity`, `key_store`, `endpoint`, `listener`, `guard`, `peer`, `watch`, `stream`, `late`, `connection`, `logging`: what
//!   TypeScript calls, in the order of `src/native/binding.ts`. Every export is synchronous and catches panics.
//!
//! # How a call answers
//!
//! Functions on the path of bytes give a number: `bridge::PENDING` when the handle's waker is armed,
//! `bridge::FAILED` when `takeError()` tells why, else a handle or a count. Rare and long calls start an
//! operation and give its handle; its outcome is taken once the wake queue names it.

#![cfg_attr(test, allow(dead_code, reason = "napi leaves the exports out of the test build"))]
#![allow(unreachable_pub, reason = "exports are reached through the addon's own table")]
#![allow(clippy::needless_pass_by_value, reason = "what crosses is owned by the call")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "napi-rs hands out `Env` like this")]

mod arguments;
mod bridge;
mod connection;
mod endpoint;
mod guard;
mod identity;
mod key_store;
mod late;
mod listener;
mod logging;
mod peer;
mod stream;
mod subscriber;
mod watch;
