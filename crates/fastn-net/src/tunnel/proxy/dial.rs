//! Connects to the destinations that a proxy's rules allow.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{net::TcpStream, sync::Semaphore, task::spawn_blocking, time::sleep};

use crate::{
    targets::{Destination, Host, Targets},
    tunnel::socket::Socket,
};

/// Limit of concurrent look-ups. Each occupies a thread until the system's resolver gives up, which no peer can shorten.
const MAX_LOOKUPS: usize = 32;

/// Limit of addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

/// Head start of an address before the next one is tried too (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// Looks up, checks and connects.
#[derive(Debug)]
pub(super) struct Dialler {
    targets: Targets,
    limit: Duration,
    lookups: Arc<Semaphore>,
}

/// Why a destination was not connected.
#[derive(Debug)]
pub(super) enum DialError {
    /// No rule allows it.
    NotAllowed,
    /// Its name has no address.
    NotFound(io::Error),
    /// It refused, or did not answer.
    Unreachable(io::Error),
}

impl Dialler {
    pub(super) fn new(targets: Targets, limit: Duration) -> Self {
        Self { targets, limit, lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }

    /// Connects to an address that was checked: the name is not looked up again. Cancel-safe.
    pub(super) async fn dial(&self, destination: &Destination) -> Result<Socket, DialError> {
        let timed_out =
            |_| DialError::Unreachable(io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time"));
        tokio::time::timeout(self.limit, self.dial_now(destination)).await.map_err(timed_out)?
    }

    async fn dial_now(&self, destination: &Destination) -> Result<Socket, DialError> {
        if !self.targets.matches(destination) {
            return Err(DialError::NotAllowed);
        }
        let found = match &destination.host {
            Host::Ip(ip) => vec![SocketAddr::new(*ip, destination.port)],
            Host::Name(name) => self.look_up(name, destination.port).await.map_err(DialError::NotFound)?,
        };
        let is_allowed = |address: &SocketAddr| self.targets.allows(destination, *address);
        let allowed: Vec<_> = found.into_iter().filter(is_allowed).take(MAX_ADDRESSES).collect();
        if allowed.is_empty() {
            return Err(DialError::NotAllowed);
        }
        connect(allowed).await.and_then(Socket::tcp).map_err(DialError::Unreachable)
    }

    /// The addresses of a name, at least one.
    async fn look_up(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let place = self.lookups.clone().acquire_owned().await.expect("never closed");
        let name = name.to_owned();
        let found = spawn_blocking(move || {
            let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
            // Released only now: a look-up continues after its caller has gone.
            drop(place);
            found
        });
        let found = found.await.map_err(io::Error::other)??;
        if found.is_empty() {
            Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
        } else {
            Ok(found)
        }
    }
}

/// Connects to the first address that answers.
async fn connect(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    loop {
        attempts.extend(waiting.next().map(TcpStream::connect));
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(socket) => return Ok(socket),
                Err(error) if attempts.is_empty() && waiting.len() == 0 => return Err(error),
                Err(_) => {}
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed => f.write_str("no rule allows it"),
            Self::NotFound(error) => write!(f, "its name was not found: {error}"),
            Self::Unreachable(error) => write!(f, "it cannot be reached: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn dial(rules: &[&str], destination: &str) -> Result<Socket, DialError> {
        let targets = Targets::parse(rules.iter().copied()).expect("rules");
        Dialler::new(targets, Duration::from_secs(9)).dial(&destination.parse().expect("destination")).await
    }

    #[tokio::test]
    async fn only_allowed_destinations_are_connected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let port = listener.local_addr().expect("address").port();
        for (rules, host) in [
            (&["*"][..], "127.0.0.1"),
            (&["*"], "localhost"),
            (&["localhost"], "localhost"),
            (&["10.0.0.0/8"], "localhost"),
            (&["127.0.0.0/8:1"], "127.0.0.1"),
            (&["0.0.0.0/0", "::/0"], "127.0.0.1"),
        ] {
            let refused = dial(rules, &format!("{host}:{port}")).await;
            assert!(matches!(refused, Err(DialError::NotAllowed)), "{rules:?} {host}: {refused:?}");
        }
        for (rule, host) in
            [("127.0.0.0/8", "127.0.0.1"), ("127.0.0.1", "localhost"), ("localhost@127.0.0.0/8", "localhost")]
        {
            let connected = dial(&[rule], &format!("{host}:{port}")).await;
            assert!(connected.is_ok(), "{rule} {host}: {connected:?}");
        }
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_hide_the_next_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("bind").local_addr().expect("address");
        let open = listener.local_addr().expect("address");
        assert_eq!(connect(vec![closed, open]).await.expect("connect").peer_addr().expect("address"), open);
        let error = connect(vec![closed, closed]).await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
