//! One attempt to reach a peer.

use std::{fmt::Write, sync::Arc, time::Instant};

use iroh::endpoint::{ConnectError, ConnectOptions, ConnectWithOptsError, ConnectingError, ConnectionError};

use crate::{
    config::PeerAddress,
    connection::Connection,
    error::{Code, Error, Result},
    network::Network,
    shared::Shared,
    wire::{alpn::Alpn, codes::close},
};

/// Dials once, within the time that one dial has.
///
/// # Errors
///
/// `ERR_UNREACHABLE` says what was tried and for how long; `ERR_PEER_ADDRESS`, `ERR_UNAUTHORIZED`,
/// `ERR_PROTOCOL_UNSUPPORTED`, `ERR_CLOSED`.
pub(crate) async fn dial(shared: &Arc<Shared>, to: &PeerAddress) -> Result<Connection> {
    let started = Instant::now();
    let iroh = shared.iroh().ok_or_else(super::closed)?;
    let mut alpns = Alpn::offered(shared.config().kulfi).into_iter();
    let first = alpns.next().expect("one ALPN at least");
    let connect = async {
        let options = ConnectOptions::new().with_additional_alpns(alpns.collect());
        let connecting = iroh.connect_with_opts(to.to_iroh(), &first, options).await?;
        Ok::<_, ConnectError>(connecting.await?)
    };
    let failed = match tokio::time::timeout(shared.limits().dial_timeout, connect).await {
        Ok(Ok(quic)) => {
            return match Alpn::from_bytes(quic.alpn()) {
                Some(alpn) => Ok(Connection::new(quic, alpn, true, &shared.metrics)),
                None => Err(Error::new(Code::ProtocolUnsupported, "the peer chose a protocol that was not offered")),
            };
        }
        Ok(Err(error)) => error,
        Err(_) => return Err(unreachable(shared, to, started, "it did not answer")),
    };
    Err(explain(shared, to, started, failed))
}

fn explain(shared: &Shared, to: &PeerAddress, started: Instant, error: ConnectError) -> Error {
    let why = match &error {
        ConnectError::Connect { source: ConnectWithOptsError::SelfConnect { .. }, .. } => {
            return Error::new(Code::PeerAddress, "this is the endpoint's own id: an endpoint cannot dial itself");
        }
        ConnectError::Connect { source: ConnectWithOptsError::EndpointClosed { .. }, .. } => return super::closed(),
        ConnectError::Connect { source: ConnectWithOptsError::NoAddress { .. }, .. } => {
            "no address of it is known or could be looked up: use its ticket, or give addresses".to_owned()
        }
        ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. }
        | ConnectError::Connection { source, .. } => match connection_error(source) {
            Ok(why) => why,
            Err(code) => {
                let text = match code {
                    Code::Unauthorized => "the peer does not let this key in: ask its owner to allow it",
                    _ => "the peer is there and speaks another protocol: it offers none of the ALPNs of this library",
                };
                return Error::new(code, text).with_source(error);
            }
        },
        other => other.to_string(),
    };
    unreachable(shared, to, started, &why).with_source(error)
}

/// What ended the handshake, in words; a code where it is more than being unreachable.
fn connection_error(error: &ConnectionError) -> Result<String, Code> {
    Ok(match error {
        ConnectionError::ApplicationClosed(closed) if u64::from(closed.error_code) == close::UNAUTHORIZED => {
            return Err(Code::Unauthorized);
        }
        ConnectionError::ApplicationClosed(closed) if u64::from(closed.error_code) == close::LIMIT => {
            "it is there and has too many connections: try again later".to_owned()
        }
        // TLS alert 120, no_application_protocol (RFC 7301, 3.2), as QUIC carries it (RFC 9001, 4.8).
        ConnectionError::ConnectionClosed(closed) if u64::from(closed.error_code) == 0x100 + 120 => {
            return Err(Code::ProtocolUnsupported);
        }
        // CONNECTION_REFUSED (RFC 9000, 20.1): what an endpoint answers while it listens for nothing.
        ConnectionError::ConnectionClosed(closed) if u64::from(closed.error_code) == 2 => {
            "it is there and listens for nothing: start a listener on it first".to_owned()
        }
        ConnectionError::TimedOut => "it did not answer".to_owned(),
        other => other.to_string(),
    })
}

fn unreachable(shared: &Shared, to: &PeerAddress, started: Instant, why: &str) -> Error {
    let mut tried: Vec<String> = to.addresses.iter().map(ToString::to_string).collect();
    tried.extend(to.relays.iter().map(|relay| format!("relay {relay}")));
    match &shared.config().network {
        Network::Internet => tried.push("look-up by DNS, pkarr and mDNS".to_owned()),
        Network::Lan => tried.push("look-up by mDNS".to_owned()),
        Network::Loopback => {}
        Network::Custom(custom) => {
            let kinds =
                [(custom.dns_origin.is_some(), "DNS"), (custom.pkarr.is_some(), "pkarr"), (custom.mdns, "mDNS")];
            let kinds: Vec<&str> = kinds.iter().filter_map(|(on, kind)| on.then_some(*kind)).collect();
            if !kinds.is_empty() {
                tried.push(format!("look-up by {}", kinds.join(", ")));
            }
        }
    }
    let mut text = format!("the peer {} cannot be reached: {why}", to.id);
    let tried = if tried.is_empty() { "nothing".to_owned() } else { tried.join(", ") };
    let _ = write!(text, " (tried {tried} for {:.1} s)", started.elapsed().as_secs_f32());
    Error::new(Code::Unreachable, text)
}
