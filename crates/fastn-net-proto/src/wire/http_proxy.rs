//! The extra line of the protocol `HttpProxy`: the request of a client of an older peer's proxy.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Code, Error, Result},
    targets::Destination,
};

/// Limit in bytes of the line, without its `
/// `. Fits the longest name, a port and the JSON around them.
pub const MAX_LINE: usize = 1024;

/// Content of the stream after the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyRequest {
    /// The bytes of a connection to the destination.
    Connect(Destination),
    /// One HTTP request to the destination, and its answer, as in the protocol Http.
    Http(Destination),
}

#[derive(Serialize, Deserialize)]
enum Line {
    Connect { addr: String },
    Http { addr: String },
}

/// Decodes the line, without its `\n`.
///
/// # Errors
///
/// `ERR_HEADER_INVALID`.
pub fn decode(line: &[u8]) -> Result<ProxyRequest> {
    let invalid = || Error::new(Code::HeaderInvalid, "the line of a proxy's client is not valid");
    let parsed = serde_json::from_slice(line).map_err(|_| invalid())?;
    Ok(match parsed {
        Line::Connect { addr } => ProxyRequest::Connect(addr.parse()?),
        Line::Http { addr } => ProxyRequest::Http(addr.parse()?),
    })
}

/// The line of a request to connect, without its `\n`.
#[must_use]
pub fn connect(destination: &Destination) -> Vec<u8> {
    let line = Line::Connect { addr: destination.to_string() };
    serde_json::to_vec(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_round_trip() {
        let to = |text: &str| text.parse::<Destination>().expect(text);
        assert_eq!(connect(&to("example.com:443")), br#"{"Connect":{"addr":"example.com:443"}}"#);
        assert_eq!(decode(&connect(&to("[::1]:1"))).expect("line"), ProxyRequest::Connect(to("[::1]:1")));
        let line = br#" {"Http":{"addr":"example.com:80","more":1}} "#;
        assert_eq!(decode(line).expect("line"), ProxyRequest::Http(to("example.com:80")));
        let longest = format!("{}:65535", "a.".repeat(126) + "a");
        assert!(connect(&to(&longest)).len() <= MAX_LINE);
    }

    #[test]
    fn other_lines_are_invalid() {
        for line in [
            "",
            "{}",
            r#"{"Connect":{}}"#,
            r#"{"Connect":{"addr":""}}"#,
            r#"{"Connect":{"addr":"host"}}"#,
            r#"{"Connect":{"addr":"0x7f.1:80"}}"#,
            r#"{"Connect":{"addr":80}}"#,
            r#"{"Connect":{"addr":"a:1"},"Http":{"addr":"a:1"}}"#,
            r#"{"Socks":{"addr":"a:1"}}"#,
            r#"{"Connect":{"addr":"a:1"}}x"#,
        ] {
            assert!(decode(line.as_bytes()).is_err(), "{line}");
        }
    }
}
