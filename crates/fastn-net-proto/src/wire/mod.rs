//! The exchange between two peers before the payload: pure functions over bytes.
//!
//! - [`alpn`]: protocol negotiation of a connection
//! - [`header`]: the dialler's first line, the protocol, and the extra line after it
//! - [`ack`]: the acceptor's answer; [`refusal`]: its reason to refuse
//! - [`mod@line`]: bytes to lines, with a limit
//! - [`codes`]: the codes of closes, resets and stops
//! - [`http_head`]: the heads of `Http`
//! - [`http_proxy`]: the extra line of `HttpProxy`
//! - [`socks`]: SOCKS 5, which some streams carry after the ack

pub mod ack;
pub mod alpn;
pub mod codes;
pub mod header;
pub mod http_head;
pub mod http_proxy;
pub mod line;
pub mod refusal;
pub mod socks;
