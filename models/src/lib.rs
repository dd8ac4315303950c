//! Models of the code in which threads meet. Each runs the files of the addon themselves, in every order of their steps.
//!
//! `std` is replaced in this crate: its mutexes and atomics are loom's. A model must end, and may use them only within
//! `loom::model`.

#![cfg(test)]
#![allow(dead_code, unfulfilled_lint_expectations, reason = "a model needs a part of each file")]

extern crate std_for_models as std;

/// Runs a model in every order in which a thread is interrupted at most three times. More find nothing that three do not, and take hours.
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
