//! The sockets of an endpoint: bind errors, and waiting until the ports are free again.
//!
//! iroh reports neither. It does not name the address that failed, and it closes a socket when the last of its own handles is dropped, on
//! a thread that may block. So this module tries to bind the ports.

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
    log_target,
};

/// Limit for closing a socket. Closing takes longer only while a stream of the endpoint is held.
const LIMIT: Duration = Duration::from_secs(1);

/// Initial pause between two tries. Doubles each time.
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until all these addresses can be bound again, at most 1 s. Cancel-safe.
pub(crate) async fn released(sockets: &[SocketAddr]) {
    let (started, mut pause) = (Instant::now(), PAUSE);
    while let Some((taken, error)) = sockets.iter().find_map(|at| Some((at, try_bind(*at).err()?))) {
        if started.elapsed() >= LIMIT {
            debug!(target: log_target::ENDPOINT, socket = %taken, %error, "it is closed, and its port is still taken");
            return;
        }
        sleep(pause).await;
        pause *= 2;
    }
}

/// Builds the error for addresses that could not be bound. iroh does not name the failed one, so this tries each again.
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

/// Describes the system error, and its remedy.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use: choose another one, or 0 for a free one".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => "the system does not permit it: choose a port above 1023".to_owned(),
        _ => error.to_string(),
    }
}

/// The innermost cause: the error of the system.
fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost
}

/// Binds the address as iroh does, and releases it.
fn try_bind(at: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if matches!(at.ip(), IpAddr::V6(_)) {
        socket.set_only_v6(true)?;
    }
    socket.bind(&at.into())
}
