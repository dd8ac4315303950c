//! Conversion of arguments to core types: handles, time limits, numbers.

use std::time::Duration;

use fastn_net::{Endpoint, OpenOptions, Result};
use napi::Env;

use crate::bridge::{Environment, Outcome, Slot, stale, start};

/// A handle's endpoint.
pub(crate) fn endpoint_of(environment: &Environment, handle: f64) -> Result<Endpoint> {
    match environment.table.borrow_mut().slot(handle) {
        Some(Slot::Endpoint(endpoint)) => Ok(endpoint.clone()),
        _ => Err(stale()),
    }
}

/// Starts an operation on an endpoint. A stale handle fails through the operation too.
pub(crate) fn with_endpoint<F>(env: &Env, handle: f64, call: impl FnOnce(Endpoint) -> F) -> f64
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    match Environment::with(env, |e| endpoint_of(e, handle)) {
        Ok(endpoint) => start(env, call(endpoint)),
        Err(error) => start(env, async move { Err(error) }),
    }
}

/// A time limit; `Infinity` means no limit.
pub(crate) fn milliseconds(ms: f64) -> Duration {
    /// Thirty years: never reached, and small enough to be added to any instant.
    const NONE: Duration = Duration::from_hours(30 * 365 * 24);
    Duration::try_from_secs_f64(ms / 1000.0).map_or(NONE, |limit| limit.min(NONE))
}

/// Options of opening a stream, from the flags in `src/stream/opener.ts` and milliseconds.
pub(crate) fn open_options(flags: u32, timeout: f64) -> OpenOptions {
    const EXTRA: u32 = 1;
    const AWAIT_ACK: u32 = 2;
    const RETRY: u32 = 4;
    OpenOptions::new()
        .with_extra(flags & EXTRA != 0)
        .with_await_ack(flags & AWAIT_ACK != 0)
        .with_retry(flags & RETRY != 0)
        .with_timeout(milliseconds(timeout))
}

/// Converts a number that TypeScript has checked. Clamps it to the range.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` cuts to the range")]
pub(crate) fn whole(number: f64) -> usize {
    number as usize
}

pub(crate) fn whole_u32(number: f64) -> u32 {
    u32::try_from(whole(number)).unwrap_or(u32::MAX)
}
