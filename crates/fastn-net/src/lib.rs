//! Peer-to-peer messaging on iroh and QUIC.
//!
//! An [`Endpoint`] is a secret key with sockets. It opens streams to peers and serves the streams that
//! peers open, over one connection for each pair of peers. What goes over the wire is in `wire/`.
//!
//! # Layout
//!
//! - `finishing`: what a connection has sent and its peer has not acknowledged.
//! - [`identity`]: secret and public keys, their text form (ID52), and where keys are stored.
//! - [`protocol`]: what a stream is for, as its first line says it.
//! - [`wire`]: the bytes: header, acknowledgement, refusal, lines, codes. Pure functions.
//! - [`config`]: everything an endpoint is told, and its limits.
//! - [`guard`]: who may connect, what for, and how much.
//! - [`logging`]: what is told of all this, and to whom.
//! - [`network`]: which sockets, relays and look-ups an endpoint uses.
//! - [`endpoint`]: bind, dial, serve, close.
//! - `shared`: what everything of one endpoint shares, and how it ends.
//! - `sockets`: when the ports of an endpoint are free again.
//! - `incoming`: connections that peers make, from the first packet to their actor.
//! - [`watch`]: how it stands with the peers, now and whenever it changes.
//! - [`open`]: opening streams, with what that takes.
//! - [`peer`]: one actor for each peer, the owner of its connections.
//! - [`connection`]: one QUIC connection: opening streams, closing.
//! - `quic`: iroh's connection, until it has ended.
//! - `users`: what uses a connection, and whether it may.
//! - `ping`: asking a peer for a sign of life.
//! - [`accept`]: streams that the other side opens, from the first byte to their listener.
//! - [`listener`]: who is served what: the routing table and the queues behind it.
//! - [`inbound`]: connections that peers make, and held views of connections.
//! - [`stream`]: the two halves of a stream.
//! - `metrics`: what an endpoint counts, and the text in which it tells it.
//! - `stall`: whether a connection to an older peer takes no new stream any more.
//! - `stop_watch`: whether the peer wants no more of a half that stays open.
//! - [`error`]: one error type, one table of codes.

pub mod accept;
pub mod config;
pub mod connection;
pub mod endpoint;
pub mod error;
mod finishing;
pub mod guard;
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
pub mod protocol;
mod quic;
mod shared;
mod sockets;
mod stall;
mod stop_watch;
pub mod stream;
mod users;
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
pub use protocol::Protocol;
pub use stream::Stream;
pub use watch::{PeerInfo, Watch};
