//! The sockets of an endpoint: why they cannot be bound, and when their ports are free again.
//!
//! iroh reports neither: it does not name the address that failed, and it closes a socket when the last of its own handles is dropped, on a thread that may block. So the ports are
//! tried.

use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::{
    error::{Code, Error},
    target,
};

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

/// The error for an endpoint that could not bind all of these. iroh does not say which one failed: each is tried again.
pub(crate) fn bind_error(addresses: &[SocketAddr], error: impl StdError + Send + Sync + 'static) -> Error {
    let failed = addresses.iter().find_map(|at| Some((at.to_string(), try_bind(*at).err()?)));
    let message = if let Some((at, error)) = failed {
        format!("{at} cannot be bound: {}", explain(&error))
    } else {
        let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        format!("no socket could be bound to {}: {}", all.join(" and "), root(&error))
    };
    Error::new(Code::Bind, message).with_source(error)
}

/// What the system says, and what to do.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use: choose another one, or 0 for a free one".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => "the system does not permit it: choose a port above 1023".to_owned(),
        _ => error.to_string(),
    }
}

/// The innermost cause: what the system said.
fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost
}

/// Binds it as iroh does, and lets it go.
fn try_bind(at: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if matches!(at.ip(), IpAddr::V6(_)) {
        socket.set_only_v6(true)?;
    }
    socket.bind(&at.into())
}
