//! The events of the core and its transport, to stderr and to JavaScript.

use std::{env, sync::Once};

use napi::Env;
use napi_derive::napi;

use crate::{
    bridge::{Channel, Environment, Slot},
    subscriber::{Filter, Records, install},
};

/// Starts tracing, once for the process. Events selected by `FASTN_NET_LOG` go to stderr from then on, from every thread.
/// Returns the invalid part of `FASTN_NET_LOG`, once. The valid rest applies.
#[napi(catch_unwind)]
#[must_use]
pub fn log_start() -> Vec<String> {
    static START: Once = Once::new();
    let mut wrong = Vec::new();
    START.call_once(|| {
        let text = env::var_os("FASTN_NET_LOG").unwrap_or_default();
        let (filter, errors) = Filter::parse_lossy(&text.to_string_lossy());
        install(filter);
        wrong.extend(errors.iter().map(|error| error.message().to_owned()));
    });
    wrong
}

/// Collects records that pass the filter, until the handle is released. Buffers at most that many bytes.
#[napi(catch_unwind)]
pub fn log_open(env: Env, filter: String, bytes: u32) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let records = Records::new(Filter::parse(&filter)?, bytes as usize)?;
            e.table.borrow_mut().insert(Slot::Log(records))
        })
    })
}

/// Takes at most `most` records, as a JSON array. Null when there is none: the waker is armed.
#[napi(catch_unwind)]
pub fn log_take(env: Env, log: f64, most: u32) -> Option<String> {
    Environment::with(&env, |e| {
        let taken = e.table.borrow_mut().poll(log, Channel::Done, |slot, cx| match slot {
            Slot::Log(records) => match records.poll_take(cx, most as usize) {
                std::task::Poll::Ready(text) => Some(text),
                std::task::Poll::Pending => None,
            },
            _ => None,
        });
        taken.flatten()
    })
}
