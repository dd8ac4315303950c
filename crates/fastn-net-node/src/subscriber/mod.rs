//! The tracing subscriber of the process. The core emits events and installs none.
//!
//! - `filter`: selects events
//! - `sinks`: the listeners of the process, and the bounded queue of each
//! - `layer`: from an event to a record; the one subscriber of the process
//! - `records`: the records of one listener
//! - `stderr`: printing, one line for each event
//!
//! Without a listener the process-wide level is off: an event costs one relaxed load, as without a subscriber.

mod filter;
mod layer;
mod records;
mod sinks;
mod stderr;
#[cfg(test)]
mod tests;

pub(crate) use self::{filter::Filter, layer::install, records::Records};
