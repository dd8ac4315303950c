//! Log targets, for filters (docs/observability.md). They stay stable when files move.

/// Bind and close, and inbound connections up to their admission.
pub(crate) const ENDPOINT: &str = "fastn_net::endpoint";
/// Decisions of a peer's actor.
pub(crate) const PEER: &str = "fastn_net::peer";
/// Attempts to reach a peer.
pub(crate) const DIAL: &str = "fastn_net::dial";
/// Life cycle of a connection.
pub(crate) const CONNECTION: &str = "fastn_net::connection";
/// Life cycle of a stream, at trace level; refusals at debug level.
pub(crate) const STREAM: &str = "fastn_net::stream";
/// Tunnels: failures of their connections.
pub(crate) const TUNNEL: &str = "fastn_net::tunnel";
