//! Access lists, authorization requests and quotas of peers.
//!
//! - `requests`: authorization requests to the embedding program

mod requests;

use std::sync::{Arc, atomic::AtomicUsize};

pub(crate) use self::requests::IfFull;
pub use self::requests::{AuthorizationRequest, AuthorizationRequests};
use self::requests::{PendingAuthorizations, Verdict};
use crate::{
    config::{Access, Authorize, Config, Limits},
    connection::Connection,
    error::{Code, Error, Result},
    identity::PublicKey,
    protocol::Protocol,
    quota::{Bounds, Exceeded, HeaderBytes, NegotiationExceeded, NegotiationPermit, Negotiations, Quota, StreamPermit},
    wire::{
        codes::close,
        refusal::{Refusal, code},
    },
};

/// Everything of one endpoint that decides who may what.
#[derive(Debug)]
pub(crate) struct Authorization {
    access: Arc<Access>,
    pending: Option<Arc<PendingAuthorizations>>,
    /// Locked while peers and streams are authorized again.
    pub(crate) reauthorizing: tokio::sync::Mutex<()>,
    /// Streams that peers have open, all of them.
    streams: Arc<AtomicUsize>,
    bounds: Bounds,
    negotiations: Arc<AtomicUsize>,
    /// Bytes of headers that waiting streams of one peer may hold.
    header_bytes: u64,
}

/// Close code and reason sent to a rejected peer.
pub(crate) struct Rejection {
    pub(crate) code: u64,
    pub(crate) reason: &'static str,
}

pub(crate) const UNAUTHORIZED: Rejection = Rejection { code: close::UNAUTHORIZED, reason: "this key is not let in" };
const LATE: Rejection =
    Rejection { code: close::UNAUTHORIZED, reason: "nobody said in time whether this key is let in" };
const BUSY: Rejection = Rejection { code: close::LIMIT, reason: "too many wait to be let in" };

impl Authorization {
    pub(crate) fn new(config: &Config) -> Self {
        let Limits { max_streams_per_peer, max_streams_total, stream_rate, .. } = config.limits;
        Self {
            access: Arc::new(Access::new(config.access.clone())),
            pending: config.authorize.filter(|rules| rules.peer || rules.stream).map(PendingAuthorizations::new),
            reauthorizing: tokio::sync::Mutex::default(),
            streams: Arc::default(),
            bounds: Bounds { of_one_peer: max_streams_per_peer, of_all: max_streams_total, rate: stream_rate },
            negotiations: Arc::default(),
            header_bytes: config.limits.receive_window_per_peer,
        }
    }

    /// The quota of a new peer.
    pub(crate) fn quota(&self) -> Arc<Quota> {
        Quota::new(&self.streams, Negotiations::new(&self.negotiations, self.header_bytes))
    }

    pub(crate) fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// The authorization requests of [`Authorize`](crate::config::Authorize).
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` when authorization is not configured, or the requests are already taken.
    pub(crate) fn requests(&self) -> Result<AuthorizationRequests> {
        let pending = self.pending.as_ref();
        pending.ok_or_else(|| Error::new(Code::InvalidArgument, "this endpoint asks nothing"))?.taker()
    }

    /// Counts a stream of a peer that waits and is not counted by [`Authorization::check_quota`] yet; before a task is spent on it.
    pub(crate) fn check_negotiation(quota: &Arc<Quota>) -> Result<NegotiationPermit, Refusal> {
        NegotiationPermit::begin(quota).map_err(NegotiationExceeded::refusal)
    }

    /// Authorization requests are configured for peers or streams.
    pub(crate) fn asks(&self) -> bool {
        self.pending.is_some()
    }

    /// Counts the header bytes of a stream before it waits with them.
    pub(crate) fn check_header_bytes(quota: &Arc<Quota>, count: usize) -> Result<HeaderBytes, Refusal> {
        HeaderBytes::begin(quota, count).map_err(NegotiationExceeded::refusal)
    }

    /// Counts header bytes that come while the stream waits.
    pub(crate) fn check_more_header_bytes(bytes: &mut HeaderBytes, count: usize) -> Result<(), Refusal> {
        bytes.add(count).map_err(NegotiationExceeded::refusal)
    }

    /// Checks a peer against the access lists, before any state is allocated for it.
    pub(crate) fn check_lists(&self, peer: &PublicKey) -> Result<(), Rejection> {
        if self.access.admits(peer) { Ok(()) } else { Err(UNAUTHORIZED) }
    }

    /// The current epoch. Answers of a later epoch replace those of an earlier one.
    pub(crate) fn epoch(&self) -> u64 {
        self.access.epoch()
    }

    /// Whether a peer that the lists let in may connect.
    pub(crate) async fn check_peer(&self, peer: PublicKey) -> Result<(), Rejection> {
        self.authorize_peer(peer, IfFull::Refuse).await
    }

    pub(crate) async fn authorize_peer(&self, peer: PublicKey, if_full: IfFull) -> Result<(), Rejection> {
        let Some(pending) = self.pending.as_ref().filter(|pending| pending.rules().peer) else { return Ok(()) };
        match pending.ask(peer, None, if_full).await {
            Verdict::Yes => Ok(()),
            Verdict::No => Err(UNAUTHORIZED),
            Verdict::Late => Err(LATE),
            Verdict::Busy => Err(BUSY),
        }
    }

    /// Counts a stream of a peer's.
    pub(crate) fn check_quota(&self, quota: &Arc<Quota>) -> Result<StreamPermit, Refusal> {
        quota.take(&self.bounds, std::time::Instant::now).map_err(|exceeded| {
            let (code, message) = match exceeded {
                Exceeded::OfOnePeer => {
                    let most = self.bounds.of_one_peer;
                    (code::TOO_MANY_STREAMS, format!("{most} streams of one peer at a time: finish some first"))
                }
                Exceeded::OfAll => (code::BUSY, "as many streams are open here as may be".to_owned()),
                Exceeded::Rate(rate, wait) => {
                    let (most, wait) = (rate.per_second, wait.as_secs_f32());
                    (code::BUSY, format!("{most} new streams a second of one peer: wait {wait:.3} s"))
                }
            };
            Refusal { code: code.to_owned(), message }
        })
    }

    /// Something is asked, or looked up, about the streams of such a connection in this epoch.
    pub(crate) fn checks_streams(&self, connection: &Connection, epoch: u64) -> bool {
        connection.is_dialled()
            || self.pending.as_ref().is_some_and(|pending| {
                let Authorize { peer, stream, .. } = *pending.rules();
                stream || peer && connection.admission_in(epoch) != Some(true)
            })
    }

    /// Whether a peer may use a protocol on this connection, by the answers of this epoch.
    pub(crate) async fn check_stream(
        &self,
        connection: &Connection,
        protocol: &Protocol,
        epoch: u64,
    ) -> Result<(), Refusal> {
        self.authorize_stream(connection, protocol, epoch, IfFull::Refuse).await
    }

    pub(crate) async fn authorize_stream(
        &self,
        connection: &Connection,
        protocol: &Protocol,
        epoch: u64,
        if_full: IfFull,
    ) -> Result<(), Refusal> {
        let peer = connection.remote();
        // An inbound peer was checked at its connection. A dialled connection does not say what its peer may use here.
        self.check_lists(&peer).map_err(Rejection::into_refusal)?;
        let Some(pending) = &self.pending else { return Ok(()) };
        let Authorize { peer: asks_peer, stream: asks_stream, .. } = *pending.rules();
        if asks_peer {
            let ask = async {
                match self.authorize_peer(peer, if_full).await {
                    Ok(()) => Ok(true),
                    Err(turned) if turned.code == close::UNAUTHORIZED => Ok(false),
                    Err(turned) => Err(turned.into_refusal()),
                }
            };
            if !connection.admit_peer(epoch, ask).await? {
                return Err(UNAUTHORIZED.into_refusal());
            }
        }
        if !asks_stream {
            return Ok(());
        }
        pending.ask(peer, Some(protocol), if_full).await.into_result(protocol)
    }

    /// Denies all pending and later requests: the endpoint closes.
    pub(crate) fn close(&self) {
        if let Some(pending) = &self.pending {
            pending.close();
        }
    }
}

impl Verdict {
    /// Maps the answer to the refusal of a stream of this protocol.
    fn into_result(self, protocol: &Protocol) -> Result<(), Refusal> {
        let (code, message) = match self {
            Verdict::Yes => return Ok(()),
            Verdict::No => (code::UNAUTHORIZED, format!("this key may not use {}", protocol.to_json())),
            Verdict::Late => (code::UNAUTHORIZED, "nobody said in time whether this key may use it".to_owned()),
            Verdict::Busy => (code::BUSY, "too many streams wait to be let in".to_owned()),
        };
        Err(Refusal { code: code.to_owned(), message })
    }
}

impl Rejection {
    pub(crate) fn into_refusal(self) -> Refusal {
        let code = if self.code == close::UNAUTHORIZED { code::UNAUTHORIZED } else { code::BUSY };
        Refusal { code: code.to_owned(), message: self.reason.to_owned() }
    }
}
