//! Closing an endpoint: graceful, bounded in time, shared by all callers, without leaks.

#[path = "../support/mod.rs"]
mod support;

mod delivery;
mod drain;
mod exit;
mod report;

use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);
