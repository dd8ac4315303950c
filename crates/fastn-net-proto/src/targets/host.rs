//! The destination that a proxy's client requests.

use std::{fmt, net::IpAddr, str::FromStr};

use crate::{
    error::{Code, Error, Result},
    printable::printable,
};

/// Limits in bytes of a name and of a part of it, as in DNS.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host, as clients name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IP address.
    Ip(IpAddr),
    /// A name: ASCII, lower case, without a dot at its end.
    Name(String),
}

impl FromStr for Host {
    type Err = Error;

    /// Parses an IP address without brackets, or a name. Other spellings of an IPv4 address, such as `0x7f.1`, `2130706433` and
    /// `0177.0.0.1`, are neither, although a system's resolver takes them.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        match name(text) {
            Some(name) => Ok(Self::Name(name)),
            None => Err(invalid(text, "no host", "write a name in ASCII, or an IP address in its usual form")),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A host and a port: `example.com:443`, `[2001:db8::1]:443`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The host.
    pub host: Host,
    /// The port, from 1.
    pub port: u16,
}

impl FromStr for Destination {
    type Err = Error;

    /// Parses the text form. The port is required.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || invalid(text, "no destination", "write host:port");
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let port = port_of(port).ok_or_else(invalid)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').and_then(|inner| inner.parse().ok());
                Host::Ip(IpAddr::V6(inner.ok_or_else(invalid)?))
            }
            None if host.contains(':') => return Err(invalid()),
            None => host.parse()?,
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

/// A name in its canonical form. `None` if it is not a name, or may be another spelling of an IPv4 address.
pub(super) fn name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(is_allowed)
    };
    let is_name = name.len() <= MAX_NAME && name.split('.').all(is_label);
    let last = name.rsplit('.').next()?;
    (is_name && !is_number(last)).then(|| name.to_ascii_lowercase())
}

/// Whether a resolver may read a name with this last label as an IPv4 address.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    hex.map_or_else(
        || label.bytes().all(|byte| byte.is_ascii_digit()),
        |hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
    )
}

/// Parses a port, at least 1. Digits only: `u16::from_str` also accepts a sign.
pub(super) fn port_of(text: &str) -> Option<u16> {
    let port = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()?;
    (port > 0).then_some(port)
}

pub(super) fn invalid(text: &str, what: &str, advice: &str) -> Error {
    let shown: String = printable(text).chars().take(300).collect();
    Error::new(Code::InvalidArgument, format!("'{shown}' is {what}: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(text: &str) -> String {
        text.parse::<Destination>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    #[test]
    fn destinations_are_parsed_and_shown() {
        for text in ["example.com:443", "127.0.0.1:80", "[2001:db8::1]:65535", "a_b.x:1", "localhost:1", "0xfoo:1"] {
            assert_eq!(destination(text), text);
        }
        assert_eq!(destination("EXAMPLE.com.:443"), "example.com:443");
        assert_eq!(destination("[2001:DB8:0::1]:1"), "[2001:db8::1]:1");
    }

    #[test]
    fn other_spellings_of_ipv4_are_rejected_as_hosts() {
        for host in [
            "2130706433",
            "0x7f000001",
            "0X7F.1",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "0x7f.0.0.0x1",
            "1.2.3.4.5",
            "256.0.0.1",
            "00.0.0.0",
            "example.1",
            "example.0x",
            "127.0.0.１",
            "①27.0.0.1",
        ] {
            assert!(host.parse::<Host>().is_err(), "{host}");
        }
    }

    #[test]
    fn other_texts_are_rejected_as_destinations() {
        let long = format!("{}:1", "a.".repeat(128));
        for text in [
            "",
            ":",
            ":80",
            "host",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "host: 1",
            "host:1 ",
            " host:1",
            "a b:1",
            "::1:80",
            "[::1:80",
            "[127.0.0.1]:80",
            "[fe80::1%1]:80",
            "fe80::1%eth0:80",
            "user@host:1",
            "host/path:1",
            "ho\0st:1",
            "host\r\n:1",
            "a..b:1",
            ".:1",
            "..:1",
            "bücher.example:1",
            &long,
        ] {
            assert!(text.parse::<Destination>().is_err(), "{text:?}");
        }
    }
}
