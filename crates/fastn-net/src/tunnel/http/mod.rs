//! HTTP: requests to a service of a peer.
//!
//! HTTP/1.1 itself runs on a stream, one request at a time. hyper parses and writes each message on both sides, so that what passes is
//! well formed: nothing that a client sends reaches a service as it is, except bodies.
//!
//! # Layout
//!
//! - `expose`, `bridge`: the two sides; `options`: of both
//! - `backend`, `tls`: connections to the exposed service; `peer_services`: streams to services of peers; `pool`: of both
//! - `client`: a local client of a bridge or proxy; `route`: from a Host to a peer
//! - `exchange`: a request and its answer on their way; `headers`, `body`: parts of them; `page`: answers of the tunnel's own
//! - `io`: streams and sockets for hyper

mod backend;
pub(super) mod body;
mod bridge;
pub(super) mod client;
pub(super) mod exchange;
pub(super) mod expose;
mod headers;
pub(super) mod io;
mod options;
pub(super) mod page;
mod peer_services;
pub(super) mod pool;
mod route;
mod tls;

pub use options::{BridgeHttpOptions, ExposeHttpOptions, HostHeader, HttpDestination, HttpTarget};
