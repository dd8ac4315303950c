//! iroh's endpoint: its sockets, relays and handshakes.
//!
//! - `sockets`: why they cannot be bound, and when their ports are free again
//! - `relay`: the endpoint's own relays
//! - `half_open`: handshakes that nobody answered

mod half_open;
pub(crate) mod relay;
pub(crate) mod sockets;

pub(crate) use self::half_open::{HalfOpen, abandon};
