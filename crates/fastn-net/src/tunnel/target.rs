//! The socket of this machine's side that an exposed service connects to.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, lookup_host};

use super::{SocketName, socket::Socket};

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
        let timed_out = |_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time");
        tokio::time::timeout(limit, self.connect_now()).await.map_err(timed_out)?
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
            *self.lock() = None;
        }
        connected
    }

    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some((at, found)) = &*self.lock()
            && at.elapsed() < FRESH
        {
            return Ok(found.clone());
        }
        let found: Vec<_> = lookup_host((host, port)).await?.collect();
        *self.lock() = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, Vec<SocketAddr>)>> {
        self.found.lock().expect("no panic while held")
    }
}
