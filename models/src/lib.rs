//! loom models of code that threads share. Each runs unchanged files of the addon, in every order of their steps.
//!
//! `std` is replaced in this crate: its mutexes and atomics are loom's. A model must end, and may use them only within
//! `loom::model`.

#![cfg(test)]
#![allow(dead_code, unfulfilled_lint_expectations, reason = "a model needs a part of each file")]

extern crate std_for_models as std;

/// Runs a model in every order with at most three preemptions per thread. More preemptions find nothing else, and take hours.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

mod bridge;
mod connection;

mod error {
    #[derive(Clone, Debug)]
    pub(crate) struct Error;
}

mod subscriber {
    pub(crate) struct Records;
}
