//! One attempt to reach a peer.

use std::time::{Duration, Instant};

use iroh::endpoint::{ConnectError, ConnectOptions, ConnectWithOptsError, ConnectingError, ConnectionError};
use tracing::{debug, info};

use super::{Peer, PeerContext, PeerState, status::Failure, ways::Ways};
use crate::{
    config::PeerAddress,
    connection::{Connection, is_handshake_abandoned, unauthorized_text},
    deadline::{elapsed_text, limit_text},
    error::{Code, Error, Result},
    log_target,
    wire::{alpn::Alpn, codes::close},
};

/// Why a dial failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    /// The reason, without the elapsed time.
    pub(crate) reason: String,
    /// A redial would fail the same way.
    pub(crate) permanent: bool,
}

impl Failed {
    fn new(error: Error, permanent: bool) -> Self {
        let reason = error.message().to_owned();
        Self { error, reason, permanent }
    }

    fn permanent(error: Error) -> Self {
        Self::new(error, true)
    }

    fn unreachable(to: &PeerAddress, started: Instant, why: String, ways: Option<&Ways>) -> Self {
        let elapsed = elapsed_text(started.elapsed());
        // If no way answered, the reason lists all of them.
        let tried = ways.map_or_else(|| "tried".to_owned(), |ways| format!("tried {}", ways.tried()));
        let text = format!("the peer {} cannot be reached: {why} ({tried} for {elapsed})", to.id);
        Self { error: Error::new(Code::Unreachable, text), reason: why, permanent: false }
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
    debug!(target: log_target::DIAL, peer = %to.id, addresses = ?to.addresses, relays = to.relays.len(), "dialling");
    let result = attempt(context, to, started, limit).await;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    match &result {
        Ok(connection) => debug!(target: log_target::DIAL, peer = %to.id, connection = connection.id(), ms, "dialled"),
        Err(Failed { error, .. }) => {
            info!(target: log_target::DIAL, peer = %to.id, code = error.code().as_str(), ms, "failed: {error}");
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
            return Ok(Connection::new(quic, context.id, alpn, true, &context.counters, &context.lifecycle));
        }
        Ok(Err(error)) => {
            half_open.end();
            error
        }
        Err(_) => {
            let ways = ways(context, to, Some(&iroh)).await;
            return Err(Failed::unreachable(to, started, silence(context, &ways), None));
        }
    };
    let ways = ways(context, to, Some(&iroh)).await;
    Err(explain(context, to, started, failed, &ways))
}

/// The ways that a dial has tried, with the results of look-ups.
async fn ways(context: &PeerContext, to: &PeerAddress, iroh: Option<&iroh::Endpoint>) -> Ways {
    let mut ways = Ways::new(context.transport.network(), to);
    if let Some(iroh) = iroh
        && let Some(remote) = iroh.remote_info(to.to_iroh().id).await
    {
        ways.find(remote.addrs().map(iroh::endpoint::TransportAddrInfo::addr));
    }
    ways
}

fn explain(context: &PeerContext, to: &PeerAddress, started: Instant, error: ConnectError, ways: &Ways) -> Failed {
    let mut permanent = false;
    let mut names_ways = false;
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
            permanent = ways.are_none();
            "no address of it is known or could be looked up: use its ticket, or give addresses".to_owned()
        }
        ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. }
        | ConnectError::Connection { source, .. }
            if is_other_key(source) =>
        {
            // The peer may still be found at another address, or through a look-up.
            permanent = !ways.are_several();
            let place = ways.places();
            format!("another peer, with another key, answers at {place}: this peer's ticket or address is out of date")
        }
        ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. }
        | ConnectError::Connection { source, .. } => match connection_error(source) {
            Ok(Some(why)) => why,
            Ok(None) => {
                names_ways = true;
                silence(context, ways)
            }
            Err(Code::Busy) => {
                let text = "the peer takes no further connection now: try again later";
                return Failed::new(Error::new(Code::Busy, text).with_source(error), false);
            }
            Err(Code::ShuttingDown) => {
                let text = "the peer is shutting down: try another peer, or try again later";
                return Failed::new(Error::new(Code::ShuttingDown, text).with_source(error), false);
            }
            Err(code) => {
                let text = match code {
                    Code::Unauthorized => unauthorized_text(&context.id),
                    _ => "the peer is there and speaks another protocol: it offers none of the ALPNs of this library"
                        .to_owned(),
                };
                return Failed::permanent(Error::new(code, text).with_source(error));
            }
        },
        other => other.to_string(),
    };
    let failed = Failed::unreachable(to, started, why, (!names_ways).then_some(ways));
    Failed { error: failed.error.with_source(error), permanent, ..failed }
}

/// Whether the answering endpoint proved another key than the dialled one.
fn is_other_key(error: &ConnectionError) -> bool {
    // TLS alert 48, unknown_ca (RFC 8446, 6.2): found by this side, which expects one key and no authority.
    matches!(error, ConnectionError::TransportError(error) if u64::from(error.code) == 0x100 + 48)
}

/// Why the handshake ended, in words; `None` if nothing answered. With a code if the peer is not just unreachable.
fn connection_error(error: &ConnectionError) -> Result<Option<String>, Code> {
    Ok(Some(match error {
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
        ConnectionError::TimedOut => return Ok(None),
        other => other.to_string(),
    }))
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
            let earlier = status.failures.earlier(started);
            Error::new(code, format!("{}{earlier}{times}", error.message()))
        }
        (None, _) if status.state == PeerState::Dialling => {
            let address = peer.address();
            let ways = Ways::new(context.transport.network(), &address);
            Failed::unreachable(&address, started, silence(context, &ways), None).error
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

/// How each unanswered way failed, and any fault of this endpoint's own relay that may be the cause.
fn silence(context: &PeerContext, ways: &Ways) -> String {
    let trouble = context.transport.relay_trouble().map(|trouble| format!(", and {trouble}"));
    format!("{}{}", ways.silent(), trouble.unwrap_or_default())
}
