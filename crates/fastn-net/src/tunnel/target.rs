//! The local socket that an exposed service connects to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    net::{TcpStream, UdpSocket, lookup_host},
    sync::Mutex,
    time::error::Elapsed,
};
use tracing::warn;

use super::{SocketName, socket::Socket};
use crate::{log_target, routing::PendingStream, wire::refusal::word};

/// How long the addresses of a name are used without another look-up.
const FRESH: Duration = Duration::from_secs(10);

/// A target, and the addresses of its name.
#[derive(Debug)]
pub(super) struct Target {
    name: SocketName,
    found: Mutex<Option<(Instant, Vec<SocketAddr>)>>,
}

impl Target {
    pub(super) fn new(name: SocketName) -> Self {
        Self { name, found: Mutex::default() }
    }

    pub(super) fn name(&self) -> &SocketName {
        &self.name
    }

    /// Connects within a time limit. Cancel-safe.
    pub(super) async fn connect(&self, limit: Duration) -> io::Result<Socket> {
        tokio::time::timeout(limit, self.connect_now()).await.map_err(timed_out)?
    }

    /// The same for UDP, with a new socket. Not for a Unix socket, which expects streams.
    pub(super) async fn connect_udp(&self, limit: Duration) -> io::Result<UdpSocket> {
        tokio::time::timeout(limit, self.connect_udp_now()).await.map_err(timed_out)?
    }

    async fn connect_udp_now(&self) -> io::Result<UdpSocket> {
        let target = match &self.name {
            SocketName::Tcp { host, port } => self.addresses(host, *port).await?.first().copied(),
            #[cfg(unix)]
            SocketName::Unix(_) => None,
        };
        let target = target.ok_or(io::ErrorKind::NotFound)?;
        let any: SocketAddr = match target {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(target).await?;
        Ok(socket)
    }

    /// Refuses the stream of a peer whose target cannot be reached.
    pub(super) fn refuse(&self, pending: PendingStream, error: &io::Error) {
        let peer = pending.peer();
        warn!(target: log_target::TUNNEL, %peer, tunnel_target = %self.name, %error, "cannot connect to the target");
        // Without the target's name, which is private to this side.
        pending.refuse(word::TARGET_UNREACHABLE, &format!("the service is not reachable: {}", error.kind()));
    }

    async fn connect_now(&self) -> io::Result<Socket> {
        match &self.name {
            SocketName::Tcp { host, port } => match host.parse::<IpAddr>() {
                Ok(ip) => Socket::tcp(TcpStream::connect((ip, *port)).await?),
                Err(_) => Socket::tcp(self.connect_by_name(host, *port).await?),
            },
            #[cfg(unix)]
            SocketName::Unix(path) => UnixStream::connect(path).await.map(Socket::Unix),
        }
    }

    async fn connect_by_name(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let connected = TcpStream::connect(&*self.addresses(host, port).await?).await;
        if connected.is_err() {
            *self.found.lock().await = None;
        }
        connected
    }

    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        // Held during the look-up, which occupies a thread: all streams of the peers wait for one.
        let mut last = self.found.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < FRESH
        {
            return Ok(found.clone());
        }
        let found: Vec<_> = lookup_host((host, port)).await?.collect();
        *last = Some((Instant::now(), found.clone()));
        Ok(found)
    }
}

fn timed_out(_: Elapsed) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time")
}
