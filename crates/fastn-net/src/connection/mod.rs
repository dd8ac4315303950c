//! One QUIC connection.
//!
//! - `ack_deadlines`: ack deadlines of its streams
//! - `active`, `active_count`: streams and guards that use a connection, and whether it accepts new ones
//! - `grant`: permissions of open streams, which a changed policy revokes
//! - `guard`: a handle that keeps a connection in use
//! - `check_request`: requests for an immediate check
//! - `probe`: whether the peer's QUIC answers at all
//! - `legacy_accept_stall`: older peers that stopped accepting streams
//! - `deliveries`: deferred final writes and unacknowledged FINs; `final_write`: one such write
//! - `listener_grace`: grace period of the owner of an accepted connection
//! - `peer_admission`: cached authorization answer for its peer
//! - `close_info`: closing, and the reason
//! - `path_info`, `stats`: snapshots
//! - `slow_readers`: ends streams whose readers are stalled
//! - `stop_watch`: watches whether the peer stops a sending half that stays open
//! - `quic`: iroh's connection, released once it is closed

pub(crate) mod ack_deadlines;
mod active;
pub(crate) mod active_count;
mod check_request;
mod close_info;
pub(crate) mod deliveries;
pub(crate) mod final_write;
pub(crate) mod grant;
mod guard;
pub(crate) mod legacy_accept_stall;
mod listener_grace;
mod path_info;
mod peer_admission;
mod probe;
mod quic;
pub(crate) mod slow_readers;
mod stats;
pub(crate) mod stop_watch;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use iroh::endpoint::{ConnectionError, RecvStream, SendStream};

use self::{
    ack_deadlines::AckDeadlines, active_count::ActiveCount, check_request::CheckRequest, deliveries::Deliveries,
    grant::Grants, legacy_accept_stall::LegacyAcceptStall, listener_grace::ListenerGrace,
    peer_admission::PeerAdmission, quic::Quic, slow_readers::SlowReaders,
};
pub(crate) use self::{
    active::ActiveGuard,
    close_info::{is_handshake_abandoned, unauthorized_text},
    stats::TrafficSnapshot,
};
pub use self::{
    close_info::{CloseInfo, ClosedBy},
    guard::ConnectionGuard,
    path_info::PathInfo,
    stats::Stats,
};
use crate::{counters::Counters, error::Result, identity::PublicKey, lifecycle::Lifecycle, wire::alpn::Alpn};

/// A connection to a peer. Clones are the same connection.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    id: u64,
    /// The endpoint's own key.
    own: PublicKey,
    peer: PublicKey,
    alpn: Alpn,
    dialled: bool,
    quic: Quic,
    /// Code and reason of this side's first close. QUIC does not keep them.
    closed_here: OnceLock<(u64, String)>,
    active: ActiveCount,
    peer_admission: PeerAdmission,
    deliveries: Arc<Deliveries>,
    counters: Arc<Counters>,
    /// Of its endpoint.
    lifecycle: Arc<Lifecycle>,
    ack_deadlines: AckDeadlines,
    legacy_accept_stall: LegacyAcceptStall,
    check_request: CheckRequest,
    /// This side closed the connection, because its peer did not respond.
    abandoned: AtomicBool,
    /// Receive window in bytes; 0 until the peer's actor sets it.
    receive_window: AtomicU64,
    listener_grace: ListenerGrace,
    slow_readers: SlowReaders,
    grants: Grants,
}

impl Connection {
    pub(crate) fn new(
        quic: iroh::endpoint::Connection,
        own: PublicKey,
        alpn: Alpn,
        dialled: bool,
        counters: &Arc<Counters>,
        lifecycle: &Arc<Lifecycle>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            own,
            peer: quic.remote_id().into(),
            alpn,
            dialled,
            quic: Quic::new(quic),
            closed_here: OnceLock::new(),
            active: ActiveCount::default(),
            peer_admission: PeerAdmission::default(),
            deliveries: Arc::default(),
            counters: counters.clone(),
            lifecycle: lifecycle.clone(),
            ack_deadlines: AckDeadlines::default(),
            legacy_accept_stall: LegacyAcceptStall::default(),
            check_request: CheckRequest::default(),
            abandoned: AtomicBool::new(false),
            receive_window: AtomicU64::new(0),
            listener_grace: ListenerGrace::default(),
            slow_readers: SlowReaders::default(),
            grants: Grants::default(),
        }))
    }

    /// Unique in this process.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The peer's key, as proven by the handshake.
    #[must_use]
    pub fn remote(&self) -> PublicKey {
        self.0.peer
    }

    /// The negotiated ALPN.
    #[must_use]
    pub fn alpn(&self) -> Alpn {
        self.0.alpn
    }

    /// Whether this side dialled the connection.
    #[must_use]
    pub fn is_dialled(&self) -> bool {
        self.0.dialled
    }

    /// Whether it is neither closed nor lost.
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

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Finished halves without an acknowledgement.
    pub(crate) fn deliveries(&self) -> &Arc<Deliveries> {
        &self.0.deliveries
    }

    /// Ack deadlines of the streams that this side opened.
    pub(crate) fn ack_deadlines(&self) -> &AckDeadlines {
        &self.0.ack_deadlines
    }

    /// Waits until the peer acknowledges a finished stream completely, or stops it. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST`; `ERR_ACK_TIMEOUT` if the stream's header was not acknowledged in time.
    pub async fn delivered(&self, stream: u64) -> Result<()> {
        self.0.deliveries.delivered(stream).await.map_err(|expired| expired.unwrap_or_else(|| self.lost_error()))
    }

    /// Waits until every finished stream is acknowledged, including its header, or the connection ends. Cancel-safe.
    pub(crate) async fn drained(&self) {
        tokio::select! {
            () = self.0.deliveries.all_delivered() => {}
            _ = self.0.quic.closed() => {}
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.0.id).field("peer", &self.0.peer).finish_non_exhaustive()
    }
}
