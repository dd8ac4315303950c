//! Peer-to-peer messaging on iroh and QUIC.
//!
//! An [`Endpoint`] is a secret key with sockets. It opens streams to peers and serves the streams that
//! peers open, over one connection for each pair of peers. What goes over the wire is in `wire/` and docs/wire.md.
//!
//! # Layout
//!
//! What there is:
//!
//! - [`identity`]: secret and public keys, their text form (ID52), and where keys are stored.
//! - [`protocol`]: what a stream is for, as its first line says it.
//! - [`wire`]: the bytes: header, acknowledgement, refusal, lines, codes. Pure functions.
//! - [`config`]: everything an endpoint is told, and its limits.
//! - [`network`]: which sockets, relays and look-ups an endpoint uses.
//! - [`endpoint`]: bind, dial, serve, close.
//! - `shared`: what everything of one endpoint shares, and how it ends.
//! - `handshakes`: which inbound handshakes are admitted.
//! - `remembered`: the peers that are known, and which are forgotten.
//! - `half_open`: handshakes that nobody answered, and closing in spite of them.
//! - `relay`: this endpoint's own relays: waiting for one, and what is wrong with them.
//! - `sockets`: when the ports of an endpoint are free again.
//! - [`error`]: one error type, one table of codes.
//!
//! Out, from a peer's name to the bytes:
//!
//! - [`peer`]: one actor for each peer, the owner of its connections: dials, pings, gives up.
//! - [`open`]: opening streams, with what that takes.
//! - `ping`: asking a peer for a sign of life.
//! - [`connection`]: one QUIC connection.
//! - [`stream`]: the two halves of a stream.
//!
//! In, from the first packet to whoever serves it:
//!
//! - `incoming`: connections that peers make, until their peer's actor has them.
//! - [`inbound`]: the same for whoever takes connections, and held views of them.
//! - [`accept`]: streams that the other side opens, from the first byte to their listener.
//! - [`guard`]: who may connect, what for, and how much.
//! - [`listener`]: who is served what: the routing table and the queues behind it.
//!
//! And what is told of all this:
//!
//! - [`watch`]: how it stands with the peers, now and whenever it changes.
//! - `metrics`: what an endpoint counts, and the text in which it tells it.
//! - [`logging`]: records of what happens, and to whom they go.

pub mod accept;
pub mod config;
pub mod connection;
pub mod endpoint;
pub mod error;
pub mod guard;
mod half_open;
mod handshakes;
pub mod identity;
pub mod inbound;
mod incoming;
pub mod listener;
pub mod logging;
mod metrics;
pub mod network;
pub mod open;
pub mod peer;
mod ping;
mod printable;
pub mod protocol;
mod relay;
mod remembered;
mod shared;
mod sockets;
pub mod stream;
mod wakers;
pub mod watch;
pub mod wire;

pub use config::{Config, Connect, Limits, PeerAddress};
pub use connection::{CloseInfo, Connection};
pub use endpoint::Endpoint;
pub use error::{Code, Error, Result};
pub use guard::{AccessLists, Authorize, Question, Questions, Rate};
pub use identity::{PublicKey, SecretKey};
pub use inbound::{Inbound, View};
pub use listener::{Incoming, Listener};
pub use network::{CustomNetwork, Network, Relay};
pub use open::OpenOptions;
pub use peer::{Keep, Peer, PeerState, PeerStatus};
pub use printable::printable;
pub use protocol::Protocol;
pub use stream::Stream;
pub use watch::{PeerInfo, Watch};
