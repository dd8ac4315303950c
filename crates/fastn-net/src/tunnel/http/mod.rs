//! HTTP: requests to a service of a peer.
//!
//! HTTP/1.1 itself runs on a stream, one request at a time. hyper parses and writes each message on both sides, so only well-formed
//! messages pass: of a client's bytes, only bodies reach a service unchanged.
//!
//! # Layout
//!
//! - `expose`, `bridge`: the two sides; `options`: of both
//! - `backend`, `tls`, `http2`: connections to the exposed service; `peer_services`: streams to services of peers
//! - `pool`, `pools`: connections of both; `link`: one of them; `send_error`: why there is no answer
//! - `client`: a local client of a bridge or proxy; `route`: maps a Host to a peer's service
//! - `exchange`: a forwarded request and its answer; `headers`, `body`: their parts; `page`: the tunnel's own answers
//! - `upgraded`: the connection after an upgrade or CONNECT; `older`: the protocol of older peers
//! - `io`: streams and sockets for hyper; `http_io`: one type for all of them; `answer`: one type of service
//! - `line_ends`: no bare LF in what hyper reads

pub(super) mod answer;
mod backend;
pub(super) mod body;
mod bridge;
pub(super) mod client;
pub(super) mod exchange;
pub(super) mod expose;
mod headers;
mod http2;
pub(super) mod http_io;
pub(super) mod io;
mod line_ends;
mod link;
pub(super) mod older;
mod options;
pub(super) mod page;
mod peer_services;
pub(super) mod pool;
pub(super) mod pools;
mod route;
pub(super) mod send_error;
mod tls;
pub(super) mod upgraded;

pub use options::{BridgeHttpOptions, ExposeHttpOptions, HostHeader, HttpDestination, HttpTarget};
