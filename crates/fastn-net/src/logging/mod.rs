//! What this library and its transport tell of what they do (`tracing`), for whoever listens.
//!
//! - `filter`: which of it
//! - `records`: the bounded queue of one listener
//! - `layer`: from an event to a record; the one subscriber of the process
//! - `stderr`: what is printed, a line for each event
//!
//! While nobody listens the process-wide level is off: an event costs one relaxed load, as without a subscriber.

mod filter;
mod layer;
mod records;
mod stderr;

pub use filter::Filter;
pub use layer::install;
pub use records::Records;
