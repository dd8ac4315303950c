//! The sockets of an endpoint, and when their ports are free again.
//!
//! iroh tells nobody: it closes a socket when the last of its own handles is dropped, on a thread that may block. So the ports are
//! tried.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::logging::target;

/// How long closing a socket may take. Longer only where somebody holds a stream of the endpoint.
const LIMIT: Duration = Duration::from_secs(1);

/// Between two tries, at first; doubled each time.
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until all of these can be bound again, for a second at most. Cancel safe.
pub(crate) async fn freed(sockets: &[SocketAddr]) {
    let (started, mut pause) = (Instant::now(), PAUSE);
    while let Some((taken, error)) = sockets.iter().find_map(|at| Some((at, try_bind(*at).err()?))) {
        if started.elapsed() >= LIMIT {
            debug!(target: target::ENDPOINT, socket = %taken, %error, "it is closed, and its port is still taken");
            return;
        }
        sleep(pause).await;
        pause *= 2;
    }
}

/// Binds it as iroh does, and lets it go.
fn try_bind(at: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if matches!(at.ip(), IpAddr::V6(_)) {
        socket.set_only_v6(true)?;
    }
    socket.bind(&at.into())
}
