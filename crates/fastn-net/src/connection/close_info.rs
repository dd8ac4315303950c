//! Closing a connection, and the reason it ended.

use std::{fmt, sync::atomic::Ordering, time::Duration};

use fastn_net_proto::printable;
use iroh::endpoint::{ConnectionError, VarInt};

use super::Connection;
use crate::{
    error::{Code, Error},
    wire::codes::{close, reset},
};

/// Limit in bytes of the close reason sent to the peer. The close code and the reason must fit into one packet. noq panics
/// otherwise, and the process aborts.
const REASON_BYTES: usize = 256;

const SHORTEST_GOODBYE: Duration = Duration::from_millis(20);
const LONGEST_GOODBYE: Duration = Duration::from_millis(500);

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseInfo {
    /// Application close code; 0 where there was none.
    pub code: u64,
    /// What was said, or what happened. Control characters of a peer's text are escaped.
    pub reason: String,
    /// Who ended it.
    pub by: ClosedBy,
}

/// Who ended a connection.
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
    /// Closes the connection for everyone. Data that the peer has not received is lost to it. Of the reason the first 256 bytes
    /// are kept.
    pub fn close(&self, code: u64, reason: &str) {
        self.close_as(code, code, &reason[..reason.floor_char_boundary(REASON_BYTES)]);
    }

    /// Closes it with a code of this project's own, which older peers see as 0.
    pub(crate) fn close_own(&self, code: u64, reason: &str) {
        self.close_as(code, self.own_code(code), reason);
    }

    /// Closes a connection whose peer does not answer. Makes no promise to the peer: an accepted stream may be on its way to a
    /// handler.
    pub(crate) fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Release);
        self.close_own(close::PLAIN, "the peer did not answer on this connection");
    }

    /// What its peer needs to hear that it is being closed.
    pub(crate) fn goodbye(&self) -> Duration {
        let round_trips = self.rtt().unwrap_or_default() * 2;
        if self.is_live() { round_trips.clamp(SHORTEST_GOODBYE, LONGEST_GOODBYE) } else { Duration::ZERO }
    }

    /// It was closed by [`Connection::give_up`].
    pub(crate) fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::Acquire)
    }

    fn close_as(&self, code: u64, on_the_wire: u64, reason: &str) {
        // Closing twice would overwrite QUIC's close reason, which decides whether streams may be sent again.
        if !self.is_live() {
            return;
        }
        let _ = self.0.closed_here.set((code, reason.to_owned()));
        self.0.quic.close(VarInt::from_u64(on_the_wire).unwrap_or(VarInt::MAX), reason.as_bytes());
    }

    /// Waits for the end of the connection. Never fails.
    pub async fn closed(&self) -> CloseInfo {
        self.close_info(&self.0.quic.closed().await)
    }

    /// Releases the QUIC handles of a closed connection, which keep the endpoint's sockets open.
    pub(crate) fn let_go(&self) {
        self.0.finishing.over();
        self.0.quic.let_go();
    }

    /// How it ended, if it did.
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
            ConnectionError::ConnectionClosed(close) => CloseInfo { code: 0, reason: said(close), by: ClosedBy::Peer },
            other => CloseInfo { code: 0, reason: said(other), by: ClosedBy::Network },
        }
    }

    /// A code of this project's own, as this connection's peer may see it (docs/wire.md, Codes).
    pub(crate) fn own_code(&self, code: u64) -> u64 {
        if self.0.alpn.is_native() { code } else { reset::ABANDONED }
    }

    /// What opening a stream fails with on a connection that has ended before the peer took the stream.
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
        let (code, text) = match (info.by, info.code) {
            (ClosedBy::Peer, close::UNAUTHORIZED) => {
                (Code::Unauthorized, "the peer does not let this key in: ask its owner to allow it".to_owned())
            }
            (ClosedBy::Peer, close::LIMIT) => {
                (Code::Busy, format!("the peer takes no further connection now (\"{}\"): try again later", info.reason))
            }
            (ClosedBy::Peer, close::SHUTDOWN) => (Code::ConnectionLost, "the peer shut down".to_owned()),
            (ClosedBy::Peer, code) => {
                (Code::ConnectionLost, format!("the peer closed the connection (code {code}, \"{}\")", info.reason))
            }
            _ if self.is_given_up() => {
                (Code::ConnectionLost, "the peer did not answer any more: it has restarted, moved or gone".to_owned())
            }
            (ClosedBy::Local, close::SHUTDOWN) => (Code::Closed, "the endpoint was closed".to_owned()),
            (ClosedBy::Local, code) => {
                (Code::ConnectionLost, format!("this side closed the connection (code {code}, \"{}\")", info.reason))
            }
            _ => (Code::ConnectionLost, format!("the connection was lost: {}", info.reason)),
        };
        Error::new(code, text).with_error_code(info.code)
    }
}

fn said(error: &impl ToString) -> String {
    printable(&error.to_string()).into_owned()
}
