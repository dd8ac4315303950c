//! What two peers say to each other before the payload: pure functions over bytes.
//!
//! - [`alpn`]: what two peers agree to speak
//! - [`header`]: the dialler's first line, the protocol, and the extra line behind it
//! - [`ack`]: what the acceptor answers; [`refusal`]: why not
//! - [`mod@line`]: bytes to lines, with a limit
//! - [`codes`]: the numbers in closes, resets and stops

pub mod ack;
pub mod alpn;
pub mod codes;
pub mod header;
pub mod line;
pub mod refusal;
