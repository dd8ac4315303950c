//! One QUIC connection.
//!
//! - `ack_deadlines`: ack deadlines of its streams
//! - `active`, `users`: the users of a connection, and whether it accepts new ones
//! - `guard`: a handle that keeps a connection in use
//! - `doubt`: alarm for a connection that may be dead
//! - `legacy_accept_stall`: older peers that take no new stream
//! - `finishing`: deferred final writes and unacknowledged FINs
//! - `listener_grace`: grace period of the owner of an accepted connection
//! - `let_in`: result of the authorization requests for its peer
//! - `close_info`: closing, and the reason
//! - `path_info`, `stats`: snapshots
//! - `stop_watch`: stops by the peer of a sending half that stays open
//! - `quic`: iroh's connection, until it is closed

pub(crate) mod ack_deadlines;
mod active;
mod close_info;
mod doubt;
pub(crate) mod finishing;
mod guard;
pub(crate) mod legacy_accept_stall;
mod let_in;
mod listener_grace;
mod path_info;
mod quic;
mod stats;
pub(crate) mod stop_watch;
pub(crate) mod users;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use iroh::endpoint::{ConnectionError, RecvStream, SendStream};

use self::{
    ack_deadlines::AckDeadlines, doubt::Doubt, finishing::Finishing, legacy_accept_stall::LegacyAcceptStall,
    let_in::LetIn, listener_grace::ListenerGrace, quic::Quic, stop_watch::StopWatches, users::Users,
};
pub(crate) use self::{active::ActiveGuard, stats::TrafficSnapshot};
pub use self::{
    close_info::{CloseInfo, ClosedBy},
    guard::ConnectionGuard,
    path_info::PathInfo,
    stats::Stats,
};
use crate::{counters::Counters, error::Result, identity::PublicKey, wire::alpn::Alpn};

/// A connection to a peer. Clones are the same connection.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    id: u64,
    peer: PublicKey,
    alpn: Alpn,
    dialled: bool,
    quic: Quic,
    /// With what this side closed it first; QUIC does not tell.
    closed_here: OnceLock<(u64, String)>,
    users: Users,
    let_in: LetIn,
    finishing: Arc<Finishing>,
    metrics: Arc<Counters>,
    stop_watches: StopWatches,
    ack_deadlines: AckDeadlines,
    legacy_accept_stall: LegacyAcceptStall,
    doubt: Doubt,
    /// This side dropped the connection, because its peer did not answer.
    given_up: AtomicBool,
    /// Bytes that the peer may send before the application reads them, once the peer's actor has set it.
    receive_window: AtomicU64,
    listener_grace: ListenerGrace,
}

impl Connection {
    pub(crate) fn new(quic: iroh::endpoint::Connection, alpn: Alpn, dialled: bool, metrics: &Arc<Counters>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            peer: quic.remote_id().into(),
            alpn,
            dialled,
            quic: Quic::new(quic),
            closed_here: OnceLock::new(),
            users: Users::default(),
            let_in: LetIn::default(),
            finishing: Arc::default(),
            metrics: metrics.clone(),
            stop_watches: StopWatches::default(),
            ack_deadlines: AckDeadlines::default(),
            legacy_accept_stall: LegacyAcceptStall::default(),
            doubt: Doubt::default(),
            given_up: AtomicBool::new(false),
            receive_window: AtomicU64::new(0),
            listener_grace: ListenerGrace::default(),
        }))
    }

    /// Unique in this process.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Who is at the other end, as the handshake proved it.
    #[must_use]
    pub fn remote(&self) -> PublicKey {
        self.0.peer
    }

    /// What was negotiated.
    #[must_use]
    pub fn alpn(&self) -> Alpn {
        self.0.alpn
    }

    /// We made this connection, not the peer.
    #[must_use]
    pub fn is_dialled(&self) -> bool {
        self.0.dialled
    }

    /// It has not ended.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.0.quic.close_reason().is_none()
    }

    pub(crate) async fn open_bi(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        self.0.quic.open_bi().await
    }

    pub(crate) async fn accept(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        self.0.quic.accept_bi().await
    }

    pub(crate) fn metrics(&self) -> &Counters {
        &self.0.metrics
    }

    /// What was sent here and is not yet acknowledged.
    pub(crate) fn finishing(&self) -> &Arc<Finishing> {
        &self.0.finishing
    }

    /// The pending acknowledgements of streams that we opened here.
    pub(crate) fn ack_deadlines(&self) -> &AckDeadlines {
        &self.0.ack_deadlines
    }

    /// The sending halves here that stay open.
    pub(crate) fn stop_watches(&self) -> &StopWatches {
        &self.0.stop_watches
    }

    /// Waits until the peer acknowledged all of a finished stream, or stopped it.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST`.
    pub async fn acknowledged(&self, stream: u64) -> Result<()> {
        self.0.finishing.acknowledged(stream).await.map_err(|()| self.lost_error())
    }

    /// Waits until everything that was finished here is acknowledged, its header included, or the connection has ended.
    pub(crate) async fn drained(&self) {
        tokio::select! {
            () = self.0.finishing.all() => {}
            _ = self.0.quic.closed() => {}
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.0.id).field("peer", &self.0.peer).finish_non_exhaustive()
    }
}
