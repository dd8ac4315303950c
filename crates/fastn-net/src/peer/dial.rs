//! One attempt to reach a peer.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use iroh::endpoint::{ConnectError, ConnectOptions, ConnectWithOptsError, ConnectingError, ConnectionError};
use tracing::{debug, info};

use super::{Peer, PeerContext, PeerState, status::Failure};
use crate::{
    config::{Network, PeerAddress},
    connection::{Connection, is_handshake_abandoned},
    deadline::{elapsed_text, limit_text},
    error::{Code, Error, Result},
    target,
    wire::{alpn::Alpn, codes::close},
};

/// Why a dial failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// A redial would fail the same way.
    pub(crate) permanent: bool,
}

impl Failed {
    fn permanent(error: Error) -> Self {
        Self { error, permanent: true }
    }
}

/// Dials once, within the time that one dial has.
///
/// # Errors
///
/// `ERR_UNREACHABLE` says what was tried and for how long; `ERR_PEER_ADDRESS`, `ERR_UNAUTHORIZED`,
/// `ERR_PROTOCOL_UNSUPPORTED`, `ERR_CLOSED`.
pub(crate) async fn dial(context: &PeerContext, to: &PeerAddress, limit: Duration) -> Result<Connection, Failed> {
    let started = Instant::now();
    debug!(target: target::DIAL, peer = %to.id, addresses = ?to.addresses, relays = to.relays.len(), "dialling");
    let result = attempt(context, to, started, limit).await;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    match &result {
        Ok(connection) => debug!(target: target::DIAL, peer = %to.id, connection = connection.id(), ms, "dialled"),
        Err(Failed { error, .. }) => {
            info!(target: target::DIAL, peer = %to.id, code = error.code().as_str(), ms, "failed: {error}");
        }
    }
    result
}

async fn attempt(
    context: &PeerContext,
    to: &PeerAddress,
    started: Instant,
    limit: Duration,
) -> Result<Connection, Failed> {
    let half_open = context.transport.half_open.begin();
    let Some(iroh) = context.transport.iroh() else {
        half_open.end();
        return Err(Failed::permanent(Error::closed()));
    };
    let mut alpns = context.transport.alpns().into_iter();
    let first = alpns.next().expect("one ALPN at least");
    let connect = async {
        let options = ConnectOptions::new().with_additional_alpns(alpns.collect());
        let connecting = iroh.connect_with_opts(to.to_iroh(), &first, options).await?;
        Ok::<_, ConnectError>(connecting.await?)
    };
    let failed = match tokio::time::timeout(limit, connect).await {
        Ok(Ok(quic)) => {
            half_open.end();
            let Some(alpn) = Alpn::from_bytes(quic.alpn()) else {
                let text = "the peer chose a protocol that was not offered";
                return Err(Failed::permanent(Error::new(Code::ProtocolUnsupported, text)));
            };
            return Ok(Connection::new(quic, alpn, true, &context.counters, &context.lifecycle));
        }
        Ok(Err(error)) => {
            half_open.end();
            error
        }
        Err(_) => return Err(Failed { error: unreachable(context, to, started, &silence(context)), permanent: false }),
    };
    Err(explain(context, to, started, failed))
}

fn explain(context: &PeerContext, to: &PeerAddress, started: Instant, error: ConnectError) -> Failed {
    let mut permanent = false;
    let why = match &error {
        ConnectError::Connect { source: ConnectWithOptsError::SelfConnect { .. }, .. } => {
            let text = "this is the endpoint's own id: an endpoint cannot dial itself";
            return Failed::permanent(Error::new(Code::PeerAddress, text));
        }
        ConnectError::Connect { source: ConnectWithOptsError::EndpointClosed { .. }, .. } => {
            return Failed::permanent(Error::closed());
        }
        ConnectError::Connect { source: ConnectWithOptsError::NoAddress { .. }, .. } => {
            // A look-up may find it later; without one, only a new address helps, and that wakes the actor.
            permanent = lookups(context.transport.network()).is_none();
            "no address of it is known or could be looked up: use its ticket, or give addresses".to_owned()
        }
        ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. }
        | ConnectError::Connection { source, .. }
            if is_other_key(source) =>
        {
            let places = to.addresses.iter().map(ToString::to_string).chain(to.relays.iter().map(ToString::to_string));
            let places: Vec<String> = places.collect();
            // The peer may still be found at another address, or through a look-up.
            permanent = places.len() <= 1 && lookups(context.transport.network()).is_none();
            let place = places.join(" or ");
            format!("another peer, with another key, answers at {place}: this peer's ticket or address is out of date")
        }
        ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. }
        | ConnectError::Connection { source, .. } => match connection_error(context, source) {
            Ok(why) => why,
            Err(Code::Busy) => {
                let text = "the peer takes no further connection now: try again later";
                return Failed { error: Error::new(Code::Busy, text).with_source(error), permanent: false };
            }
            Err(Code::ShuttingDown) => {
                let text = "the peer is shutting down: try another peer, or try again later";
                return Failed { error: Error::new(Code::ShuttingDown, text).with_source(error), permanent: false };
            }
            Err(code) => {
                let text = match code {
                    Code::Unauthorized => "the peer does not let this key in: ask its owner to allow it",
                    _ => "the peer is there and speaks another protocol: it offers none of the ALPNs of this library",
                };
                return Failed::permanent(Error::new(code, text).with_source(error));
            }
        },
        other => other.to_string(),
    };
    Failed { error: unreachable(context, to, started, &why).with_source(error), permanent }
}

/// Whether the answering endpoint proved another key than the dialled one.
fn is_other_key(error: &ConnectionError) -> bool {
    // TLS alert 48, unknown_ca (RFC 8446, 6.2): found by this side, which expects one key and no authority.
    matches!(error, ConnectionError::TransportError(error) if u64::from(error.code) == 0x100 + 48)
}

/// What ended the handshake, in words; a code where it is more than being unreachable.
fn connection_error(context: &PeerContext, error: &ConnectionError) -> Result<String, Code> {
    Ok(match error {
        ConnectionError::ApplicationClosed(closed) if u64::from(closed.error_code) == close::UNAUTHORIZED => {
            return Err(Code::Unauthorized);
        }
        ConnectionError::ApplicationClosed(closed) if u64::from(closed.error_code) == close::LIMIT => {
            return Err(Code::Busy);
        }
        ConnectionError::ApplicationClosed(closed) if u64::from(closed.error_code) == close::SHUTDOWN => {
            return Err(Code::ShuttingDown);
        }
        // TLS alert 120, no_application_protocol (RFC 7301, 3.2), as QUIC carries it (RFC 9001, 4.8).
        ConnectionError::ConnectionClosed(closed) if u64::from(closed.error_code) == 0x100 + 120 => {
            return Err(Code::ProtocolUnsupported);
        }
        // CONNECTION_REFUSED (RFC 9000, 20.1): what an endpoint answers while it listens for nothing.
        ConnectionError::ConnectionClosed(closed) if u64::from(closed.error_code) == 2 => {
            "it is there and listens for nothing: start a listener on it first".to_owned()
        }
        error if is_handshake_abandoned(error) => {
            "it gave up the handshake: it is closing, has too many, or waited too long".to_owned()
        }
        ConnectionError::TimedOut => silence(context),
        other => other.to_string(),
    })
}

/// The error of a request that timed out: what was tried, how often, and why it failed. `dials`: those of the request. The result of an
/// earlier dial does not count, because the peer may have changed since.
pub(crate) fn out_of_time(context: &PeerContext, peer: &Peer, started: Instant, limit: Duration, dials: u64) -> Error {
    let status = peer.status();
    let elapsed = elapsed_text(started.elapsed());
    let times = match dials {
        0 => None,
        1 => Some("once".to_owned()),
        dials => Some(format!("{dials} times")),
    };
    match (status.failure.filter(|failure| failure.attempted_at >= started), times) {
        (Some(Failure { error, .. }), times) => {
            let code = match error.code() {
                code @ (Code::Busy | Code::ShuttingDown) => code,
                _ => Code::Unreachable,
            };
            let times = times.map_or_else(String::new, |times| format!("; dialled {times} in {elapsed}"));
            Error::new(code, format!("{}{times}", error.message()))
        }
        (None, _) if status.state == PeerState::Dialling => {
            unreachable(context, &peer.address(), started, &silence(context))
        }
        (None, Some(times)) => {
            let text = format!("the peer {} cannot be reached; dialled {times} in {elapsed}", peer.id());
            Error::new(Code::Unreachable, text)
        }
        (None, None) => {
            let (id, limit) = (peer.id(), limit_text(limit));
            let text = format!("the peer {id} cannot be reached: it was not dialled within {limit}; allow more time");
            Error::new(Code::Unreachable, text)
        }
    }
}

fn unreachable(context: &PeerContext, to: &PeerAddress, started: Instant, why: &str) -> Error {
    let mut tried: Vec<String> = to.addresses.iter().map(ToString::to_string).collect();
    tried.extend(to.relays.iter().map(|relay| format!("relay {relay}")));
    tried.extend(lookups(context.transport.network()));
    let mut text = format!("the peer {} cannot be reached: {why}", to.id);
    let tried = if tried.is_empty() { "nothing".to_owned() } else { tried.join(", ") };
    let _ = write!(text, " (tried {tried} for {})", elapsed_text(started.elapsed()));
    Error::new(Code::Unreachable, text)
}

/// Describes a peer that did not answer, and any fault of this endpoint's own relay that may be the cause.
fn silence(context: &PeerContext) -> String {
    let trouble = context.transport.relay_trouble().map(|trouble| format!(", and {trouble}"));
    format!("it did not answer{}", trouble.unwrap_or_default())
}

/// The look-ups of a network, in words.
fn lookups(network: &Network) -> Option<String> {
    let kinds = match network {
        Network::Internet => "DNS, pkarr and mDNS".to_owned(),
        Network::Lan => "mDNS".to_owned(),
        Network::Loopback => return None,
        Network::Custom(custom) => {
            let kinds =
                [(custom.dns_origin.is_some(), "DNS"), (custom.pkarr.is_some(), "pkarr"), (custom.mdns, "mDNS")];
            kinds.iter().filter_map(|(on, kind)| on.then_some(*kind)).collect::<Vec<&str>>().join(", ")
        }
    };
    (!kinds.is_empty()).then(|| format!("look-up by {kinds}"))
}
