//! The names under which this library speaks, for filters (docs/observability.md): files may move, these stay.

/// Bound, closing, closed; connections that peers make, up to where they are let in.
pub(crate) const ENDPOINT: &str = "fastn_net::endpoint";
/// One peer: what its actor decides.
pub(crate) const PEER: &str = "fastn_net::peer";
/// Attempts to reach a peer.
pub(crate) const DIAL: &str = "fastn_net::dial";
/// One connection's life.
pub(crate) const CONNECTION: &str = "fastn_net::connection";
/// One stream's: at trace, but for what was refused.
pub(crate) const STREAM: &str = "fastn_net::stream";
