//! The local address of a tunnel: where it connects or listens.

use std::{fmt, str::FromStr};

use crate::error::{Code, Error, Result};

/// A socket of this side: the target of an exposed service, or where a bridge listens.
///
/// As text: `host:port`, `[::1]:port`, a bare port (on 127.0.0.1), or `unix:` and a path (not on Windows).
///
/// ```
/// use fastn_net::tunnel::SocketName;
///
/// let name: SocketName = "5432".parse()?;
/// assert_eq!(name, SocketName::Tcp { host: "127.0.0.1".into(), port: 5432 });
/// # fastn_net::Result::<()>::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocketName {
    /// A TCP or UDP port.
    Tcp {
        /// IP address or name. IPv6 without brackets.
        host: String,
        /// For a listener, 0 is a free port.
        port: u16,
    },
    /// A Unix socket.
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

impl SocketName {
    /// A port of 127.0.0.1.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self::Tcp { host: "127.0.0.1".to_owned(), port }
    }

    pub(super) fn from_address(address: std::net::SocketAddr) -> Self {
        Self::Tcp { host: address.ip().to_string(), port: address.port() }
    }
}

impl FromStr for SocketName {
    type Err = Error;

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| {
            let unix = if cfg!(unix) { ", or unix:/path/of/socket" } else { "" };
            let text = format!("{text:?} is no socket: write host:port, a port of 127.0.0.1{unix}");
            Error::new(Code::InvalidArgument, text)
        })
    }
}

fn parse(text: &str) -> Option<SocketName> {
    #[cfg(unix)]
    if let Some(path) = text.strip_prefix("unix:") {
        return (!path.is_empty() && !path.contains('\0')).then(|| SocketName::Unix(path.into()));
    }
    let Some((host, port)) = text.rsplit_once(':') else { return port_of(text).map(SocketName::loopback) };
    let port = port_of(port)?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())?,
        // An IPv6 address without brackets: its last group is not a port.
        None if host.contains(':') => return None,
        None => host,
    };
    let is_host =
        !host.is_empty() && host.len() <= 253 && !host.contains(|c: char| c.is_whitespace() || c.is_control());
    is_host.then(|| SocketName::Tcp { host: host.to_owned(), port })
}

/// Parses a port. Digits only: `u16::from_str` also accepts a sign.
fn port_of(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The text form.
impl fmt::Display for SocketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_shown() {
        for text in ["127.0.0.1:80", "localhost:0", "[::1]:65535", "db.example:5432"] {
            assert_eq!(text.parse::<SocketName>().expect(text).to_string(), text);
        }
        assert_eq!("8080".parse::<SocketName>().expect("port").to_string(), "127.0.0.1:8080");
        #[cfg(unix)]
        assert_eq!("unix:/run/a b.sock".parse::<SocketName>().expect("path").to_string(), "unix:/run/a b.sock");
    }

    #[test]
    fn other_texts_are_rejected_as_names() {
        for text in [
            "",
            ":",
            ":80",
            "host",
            "host:",
            "host:65536",
            "host:+1",
            "-1",
            "a b:1",
            "::1:80",
            "[::1:80",
            "[x]:1",
            "a\n:1",
            "unix:",
        ] {
            let error = text.parse::<SocketName>().expect_err(text);
            assert_eq!(error.code(), Code::InvalidArgument, "{text:?}");
        }
    }
}
