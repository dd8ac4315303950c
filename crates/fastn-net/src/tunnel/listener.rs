//! The local socket to which the clients of a bridge connect.

use std::{io, time::Duration};

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tracing::warn;

use super::{SocketName, socket::Socket};
use crate::{
    error::{Code, Error, Result},
    log_target,
};

/// Pause after a failure to accept, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening socket.
#[derive(Debug)]
pub(super) enum LocalListener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket. Removed on drop.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct SocketFile(std::path::PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl LocalListener {
    /// Listens. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// `ERR_LISTEN`.
    pub(super) async fn bind(name: &SocketName) -> Result<Self> {
        let bound = match name {
            SocketName::Tcp { host, port } => TcpListener::bind((host.as_str(), *port)).await.map(Self::Tcp),
            #[cfg(unix)]
            SocketName::Unix(path) => bind_unix(path),
        };
        bound.map_err(|error| listen_error(name, error))
    }

    /// Its local address.
    pub(super) fn name(&self) -> io::Result<SocketName> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(SocketName::from_address),
            #[cfg(unix)]
            Self::Unix(_, file) => Ok(SocketName::Unix(file.0.clone())),
        }
    }

    /// Waits for the next client. Cancel-safe.
    pub(super) async fn accept(&self) -> Socket {
        loop {
            let accepted = match self {
                Self::Tcp(listener) => listener.accept().await.map(|(socket, _)| Socket::tcp(socket)),
                #[cfg(unix)]
                Self::Unix(listener, _) => listener.accept().await.map(|(socket, _)| Ok(Socket::Unix(socket))),
            };
            match accepted {
                Ok(Ok(socket)) => return socket,
                // This client has gone.
                Ok(Err(_)) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    warn!(target: log_target::TUNNEL, %error, "cannot accept a local connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// `ERR_LISTEN`, with advice.
pub(super) fn listen_error(name: &SocketName, error: io::Error) -> Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there; choose another",
        io::ErrorKind::PermissionDenied => "ports below 1024 and some folders need privileges; choose another",
        _ => "check the address",
    };
    Error::new(Code::Listen, format!("cannot listen on {name}: {error}: {advice}")).with_source(error)
}

#[cfg(unix)]
fn bind_unix(path: &std::path::Path) -> io::Result<LocalListener> {
    let listener = match UnixListener::bind(path) {
        // The file of a program that has ended.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    Ok(LocalListener::Unix(listener, SocketFile(path.to_owned())))
}

/// A live socket refuses a socket of another type without noticing it.
#[cfg(unix)]
fn is_abandoned(path: &std::path::Path) -> bool {
    use std::os::unix::{fs::FileTypeExt, net::UnixDatagram};
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let connected = UnixDatagram::unbound().and_then(|probe| probe.connect(path));
    is_socket && connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
