//! Limits of an endpoint as they cross: a number for each, by its name.

use std::collections::HashMap;

use fastn_net::{Code, Error, Limits, Result};
use napi_derive::napi;

/// Name to number: a count, bytes, or milliseconds.
pub(crate) type BindingLimits = HashMap<String, f64>;

/// The defaults of the limits.
#[napi(catch_unwind)]
pub fn limit_defaults() -> BindingLimits {
    Limits::default().numbers().into_iter().collect()
}

pub(crate) fn limits_from(numbers: &BindingLimits) -> Result<Limits> {
    let mut limits = Limits::default();
    match numbers.iter().find(|(name, number)| !limits.set(name, **number)) {
        Some((name, _)) => Err(Error::new(Code::InvalidArgument, format!("there is no limit {name}"))),
        None => Ok(limits),
    }
}
