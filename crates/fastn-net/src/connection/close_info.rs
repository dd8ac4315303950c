//! Closing a connection, and the reason it ended.

use std::{fmt, sync::atomic::Ordering, time::Duration};

use fastn_net_proto::printable;
use iroh::endpoint::{ConnectionError, VarInt};

use super::Connection;
use crate::{
    error::{Code, Error},
    identity::PublicKey,
    wire::codes::{close, reset},
};

/// Limit in bytes of the close reason sent to the peer. The close code and the reason must fit into one packet. noq panics
/// otherwise, and the process aborts.
const REASON_BYTES: usize = 256;

const MIN_CLOSE_GRACE: Duration = Duration::from_millis(20);
const MAX_CLOSE_GRACE: Duration = Duration::from_millis(500);

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseInfo {
    /// Application close code; 0 if there was none.
    pub code: u64,
    /// The peer's or this side's reason, or the error. Control characters of the peer's text are escaped.
    pub reason: String,
    /// Which side closed it.
    pub by: ClosedBy,
}

/// Which side closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// This side.
    Local,
    /// The peer.
    Peer,
    /// Neither: the connection was lost.
    Network,
}

impl ClosedBy {
    /// `local`, `peer` or `network`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Peer => "peer",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for ClosedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Connection {
    /// Closes the connection at once, with all its streams. Discards data that the peer has not received. Truncates the reason to
    /// 256 bytes.
    pub fn close(&self, close_code: u64, reason: &str) {
        self.close_as(close_code, close_code, &reason[..reason.floor_char_boundary(REASON_BYTES)]);
    }

    /// Closes it with a reserved code (docs/wire.md, Codes). Older peers get 0.
    pub(crate) fn close_internal(&self, close_code: u64, reason: &str) {
        self.close_as(close_code, self.wire_code(close_code), reason);
    }

    /// Closes a connection whose peer does not respond. The code makes no promise: a handler may already have a stream of it.
    pub(crate) fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.close_internal(close::PLAIN, "the peer did not answer on this connection");
    }

    /// How long a CLOSE frame needs to reach the peer.
    pub(crate) fn close_grace(&self) -> Duration {
        let round_trips = self.rtt().unwrap_or_default() * 2;
        if self.is_live() { round_trips.clamp(MIN_CLOSE_GRACE, MAX_CLOSE_GRACE) } else { Duration::ZERO }
    }

    /// Whether [`Connection::abandon`] closed it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.abandoned.load(Ordering::Acquire)
    }

    fn close_as(&self, close_code: u64, on_the_wire: u64, reason: &str) {
        // Closing twice would overwrite QUIC's close reason, which decides whether streams may be sent again.
        if !self.is_live() {
            return;
        }
        let _ = self.0.closed_here.set((close_code, reason.to_owned()));
        self.0.quic.close(VarInt::from_u64(on_the_wire).unwrap_or(VarInt::MAX), reason.as_bytes());
    }

    /// Waits until the connection is closed or lost. Cancel-safe.
    pub async fn closed(&self) -> CloseInfo {
        self.close_info(&self.0.quic.closed().await)
    }

    /// Releases the QUIC handles of a closed connection, which keep the endpoint's sockets open.
    pub(crate) fn release_quic(&self) {
        self.0.deliveries.connection_ended();
        self.0.quic.release();
    }

    /// How it ended; `None` while it is live.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseInfo> {
        self.0.quic.close_reason().map(|error| self.close_info(&error))
    }

    fn close_info(&self, error: &ConnectionError) -> CloseInfo {
        // The first close reason stays: an endpoint that closes after its connections passes another one.
        if let Some((code, reason)) = self.0.closed_here.get().cloned() {
            return CloseInfo { code, reason, by: ClosedBy::Local };
        }
        match error {
            ConnectionError::ApplicationClosed(close) => CloseInfo {
                code: close.error_code.into(),
                reason: printable(&String::from_utf8_lossy(&close.reason)).into_owned(),
                by: ClosedBy::Peer,
            },
            ConnectionError::LocallyClosed => CloseInfo { code: 0, reason: String::new(), by: ClosedBy::Local },
            ConnectionError::ConnectionClosed(close) => {
                CloseInfo { code: 0, reason: text_of(close), by: ClosedBy::Peer }
            }
            other => CloseInfo { code: 0, reason: text_of(other), by: ClosedBy::Network },
        }
    }

    /// The peer closed it before it completed its half of the handshake. The dial has failed, and the peer has read nothing.
    pub(crate) fn is_handshake_abandoned(&self) -> bool {
        self.0.closed_here.get().is_none() && self.0.quic.close_reason().as_ref().is_some_and(is_handshake_abandoned)
    }

    /// It ended, and no handler of the peer has seen or will see its unacknowledged streams: the peer never completed the handshake, or
    /// closed it with a code that promises so (docs/wire.md, Codes). On older ALPNs, the codes are the application's.
    pub(crate) fn promises_unprocessed(&self) -> bool {
        let promised = |info: CloseInfo| info.by == ClosedBy::Peer && close::PROMISES.contains(&info.code);
        self.is_handshake_abandoned() || self.0.alpn.is_native() && self.close_reason().is_some_and(promised)
    }

    /// The code to send for a reserved one: 0 on an older ALPN (docs/wire.md, Codes).
    pub(crate) fn wire_code(&self, code: u64) -> u64 {
        if self.0.alpn.is_native() { code } else { reset::ABANDONED }
    }

    /// The error of a stream that the peer did not accept before the connection ended.
    pub(crate) fn unopened_error(&self) -> Error {
        match self.close_reason() {
            Some(info) if info.by == ClosedBy::Peer && info.code == close::SHUTDOWN => {
                let text = "the peer is shutting down: try another peer, or try again later";
                Error::new(Code::ShuttingDown, text).with_error_code(info.code)
            }
            _ => self.lost_error(),
        }
    }

    /// The error of a call on a closed connection.
    pub(crate) fn lost_error(&self) -> Error {
        let Some(info) = self.close_reason() else {
            return Error::new(Code::ConnectionLost, "this connection takes no new stream: a newer one replaces it");
        };
        if self.is_handshake_abandoned() {
            let text =
                "the peer gave up the handshake: it is closing, has too many, or waited too long; try again later";
            return Error::new(Code::Unreachable, text);
        }
        let (error_code, text) = match (info.by, info.code) {
            (ClosedBy::Peer, close::UNAUTHORIZED) => (Code::Unauthorized, unauthorized_text(&self.0.own)),
            (ClosedBy::Peer, close::LIMIT) => {
                (Code::Busy, format!("the peer takes no further connection now (\"{}\"): try again later", info.reason))
            }
            (ClosedBy::Peer, close::SHUTDOWN) => (Code::ConnectionLost, "the peer shut down".to_owned()),
            (ClosedBy::Peer, code) => {
                (Code::ConnectionLost, format!("the peer closed the connection (code {code}, \"{}\")", info.reason))
            }
            _ if self.is_abandoned() => return Self::abandoned_error(),
            (ClosedBy::Local, close::SHUTDOWN) => (Code::Closed, "the endpoint was closed".to_owned()),
            (ClosedBy::Local, code) => {
                (Code::ConnectionLost, format!("this side closed the connection (code {code}, \"{}\")", info.reason))
            }
            _ => (Code::ConnectionLost, format!("the connection was lost: {}", info.reason)),
        };
        Error::new(error_code, text).with_error_code(info.code)
    }

    /// The error of a call on a connection that [`Connection::abandon`] closed.
    pub(crate) fn abandoned_error() -> Error {
        let text = "the peer did not answer any more: it has restarted, moved or gone";
        Error::new(Code::ConnectionLost, text).with_error_code(close::PLAIN)
    }
}

/// What a peer's rejection of this endpoint's key means.
pub(crate) fn unauthorized_text(own: &PublicKey) -> String {
    format!("the peer does not let this key in: ask its owner to allow {own}")
}

/// `APPLICATION_ERROR` (RFC 9000, 20.1): a close before the end of the closer's handshake.
pub(crate) fn is_handshake_abandoned(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::ConnectionClosed(closed) if u64::from(closed.error_code) == 0x0c)
}

fn text_of(error: &impl ToString) -> String {
    printable(&error.to_string()).into_owned()
}
