//! Tunnels: sockets of this machine carried to a peer and back, without the program's help.
//!
//! One side exposes a service (a target such as `127.0.0.1:5432`), the other bridges to it (a local port that clients connect to).
//! Each client's connection is one stream.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fastn_net::{Config, Endpoint, Network, SecretKey, tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName}};
//! use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::{TcpListener, TcpStream}};
//!
//! let service = TcpListener::bind("127.0.0.1:0").await?;
//! let server = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
//! let client = Endpoint::bind(SecretKey::generate(), Config::new(Network::Loopback)).await?;
//!
//! let allow = Allow::peers([client.id()])?;
//! let exposed = server.expose_tcp(SocketName::loopback(service.local_addr()?.port()), ExposeOptions::new(allow))?;
//! let bridge = client.bridge_tcp(&SocketName::loopback(0), server.address(), BridgeOptions::default()).await?;
//!
//! let mut socket = TcpStream::connect(("127.0.0.1", bridge.port())).await?;
//! socket.write_all(b"hello").await?;
//! let mut received = [0; 5];
//! service.accept().await?.0.read_exact(&mut received).await?;
//! assert_eq!(&received, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # How connections end
//!
//! - The EOF of one side becomes a FIN of the stream, and an EOF at the other side. The other direction continues.
//! - A TCP reset, a target that refuses, a lost peer and a closed tunnel reach the other side as a TCP reset, never as an EOF. A Unix
//!   socket has no reset: it just closes.
//! - A silent peer is lost after about 9 s. A client that has half-closed its socket still gets the received bytes, unless it reads
//!   nothing for 1 s.
//!
//! # Layout
//!
//! - `expose`, `bridge`: the two sides; `options`: their options
//! - `pipe`: copies bytes both ways; `carry`: the same, until the tunnel is closed
//! - `running`: a running tunnel, and its tasks; `write_batching`: sends their small writes in few packets
//! - `listener`, `target`: sockets that are accepted and connected; `socket`: both kinds; `address`: their names
//! - `udp`: the same for datagrams; `http`: for requests
//! - `proxy`: destinations that the client chooses, within rules
//! - `allow`: the peers that may use a service

mod address;
mod allow;
mod bridge;
mod carry;
mod expose;
mod http;
mod listener;
mod options;
mod pipe;
mod proxy;
mod running;
mod socket;
mod target;
mod udp;
mod write_batching;

pub use self::{
    address::SocketName,
    allow::Allow,
    http::{BridgeHttpOptions, ExposeHttpOptions, HostHeader, HttpDestination, HttpTarget},
    options::{BridgeOptions, ExposeOptions},
    pipe::{PipeError, pipe},
    running::Tunnel,
};
