//! Keys, protocols and the wire format of fastn-net: no sockets, no runtime.
//!
//! The lowest layers of the core. `fastn-net` re-exports every module. From the lowest up:
//!
//! - [`printable()`]: text without control characters.
//! - [`error`]: one error type, one table of codes.
//! - [`identity`]: secret and public keys, their text form (ID52), and where keys are stored.
//! - [`protocol`]: the protocol of a stream, named by its first line.
//! - [`targets`]: the rules of a proxy, which destinations its peers may reach.
//! - [`wire`]: the bytes: header, acknowledgement, refusal, lines, codes. Pure functions.

pub mod error;
pub mod identity;
mod printable;
pub mod protocol;
pub mod targets;
pub mod wire;

pub use printable::printable;
