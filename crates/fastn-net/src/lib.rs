//! Peer-to-peer messaging on iroh and QUIC.
//!
//! An [`Endpoint`] is a secret key with sockets. It opens streams to peers and serves the streams that peers open. Each pair of
//! peers shares one connection. The wire format is in `wire/` and docs/wire.md.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> std::io::Result<()> {
//! use fastn_net::{Config, Endpoint, Network, OpenOptions, Protocol, SecretKey};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let server = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
//! let listener = server.listen(None, &[Protocol::Tcp], false)?;
//! server.spawn(async move {
//!     while let Ok(mut incoming) = listener.accept().await {
//!         let mut name = String::new();
//!         incoming.stream.read_to_string(&mut name).await?;
//!         incoming.stream.write_all(format!("hello, {name}").as_bytes()).await?;
//!         incoming.stream.shutdown().await?;
//!     }
//!     std::io::Result::Ok(())
//! });
//!
//! let client = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
//! let peer = client.peer(&server.address())?;
//! let mut stream = client.open(&peer, &Protocol::Tcp, None, OpenOptions::default()).await?;
//! stream.write_all(b"world").await?;
//! stream.shutdown().await?;
//! let mut response = String::new();
//! stream.read_to_string(&mut response).await?;
//! assert_eq!(response, "hello, world");
//! # Ok(())
//! # }
//! ```
//!
//! `examples/shout.rs` does the same with two processes.
//!
//! # Serving
//!
//! - [`Endpoint::listen`]: streams that the core acknowledges. Tasks share a [`Listener`] by its clones, and get streams in turn.
//! - [`Endpoint::listen_pending`]: streams that the program accepts or refuses before their ack ([`PendingStream`]).
//! - [`Endpoint::listen_connections`]: incoming connections.
//! - [`Endpoint::expose_tcp`]: a TCP service, which peers reach by [`Endpoint::bridge_tcp`].
//! - [`Endpoint::set_policy`]: a [`Policy`], a table of peers, protocols and services, admits streams.
//! - [`Endpoint::set_authorizer`]: an [`Authorizer`] admits peers and streams.
//! - [`Endpoint::spawn`]: tasks that [`Endpoint::drain`] cancels, and that [`Endpoint::drained`] and [`Endpoint::close`] wait for.
//!
//! # Layout
//!
//! Each module imports only modules of lower lines. `scripts/layers.mjs` checks this against the same list.
//!
//! - [`tunnel`]: TCP, UDP and Unix sockets carried to a peer, on the public API.
//! - [`endpoint`]: bind, accept, dial, watch, drain, close.
//! - `negotiation`: inbound streams, from the first byte to their listener.
//!   [`peer`]: one actor for each remote key. It owns the peer's connections: dials, pings, drops.
//! - [`routing`]: maps a protocol to its listener, and queues its streams.
//!   [`authorization`]: access lists, the policy, authorization requests and quotas.
//! - [`stream`]: the two halves of a stream, and opening one.
//! - [`connection`]: one QUIC connection.
//!   `transport`: iroh's endpoint: sockets, relays, handshakes.
//! - `counters`, `quota`: numbers and their bounds. `lifecycle`: the tasks of an endpoint, and the signals that end them.
//! - [`config`]: the configuration of an endpoint, and its limits.
//! - Leaf modules: `deadline`, `options` (defaults and `with_…` methods), `log_target` (names of log targets), `wakers` and `waker_mutex`
//!   (state that tasks wait for).
//!
//! The crate `fastn-net-proto` is the base, re-exported here:
//!
//! - [`wire`]: the bytes: header, acknowledgement, refusal, lines, codes. Pure functions.
//! - [`protocol`]: the protocol of a stream, named by its first line.
//!   [`identity`]: secret and public keys, their text form (ID52), and where keys are stored.
//! - [`error`]: one error type, one table of codes.

pub mod authorization;
pub mod config;
pub mod connection;
mod counters;
mod deadline;
pub mod endpoint;
mod lifecycle;
mod log_target;
mod negotiation;
mod options;
pub mod peer;
mod quota;
pub mod routing;
pub mod stream;
mod transport;
pub mod tunnel;
mod waker_mutex;
mod wakers;

pub use authorization::{AuthorizationRequest, AuthorizationRequests, Authorizer};
pub use config::{
    AccessDecision, AccessLists, Authorize, Config, Connect, CustomNetwork, Limits, Network, PeerAddress, Policy,
    PolicyDecision, PolicyEffect, PolicyRule, PolicyRules, Rate, Relay,
};
pub use connection::{CloseInfo, ClosedBy, Connection, ConnectionGuard};
pub use endpoint::{CloseReport, Endpoint, PeerInfo, Watch};
pub use fastn_net_proto::{error, identity, printable, protocol, targets, wire};

pub use error::{Code, CodeClass, Error, Result};
pub use identity::{PublicKey, SecretKey};
pub use options::OptionValue;
pub use peer::{KeepConnected, Peer, PeerState, PeerStatus};
pub use protocol::Protocol;
pub use routing::{ConnectionListener, IncomingStream, Listener, PendingListener, PendingStream};
pub use stream::{OpenOptions, Stream};
