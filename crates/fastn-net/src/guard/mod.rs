//! Who may connect, what for, and how much.
//!
//! - `access`: lists of who may and who may not
//! - `questions`: what is asked of whoever embeds this crate
//! - `quota`: the streams that a peer may have open
//! - `bucket`: how fast it may open them
//! - `negotiation`: the streams that it has opened and that are not counted there yet
//! - `reauthorize`: asking again about peers and streams that were let in

mod access;
mod bucket;
mod negotiation;
mod questions;
mod quota;
mod reauthorize;

use std::sync::{Arc, atomic::AtomicUsize};

pub(crate) use access::Access;
pub use access::AccessLists;
pub use bucket::Rate;
pub(crate) use negotiation::{HeaderBytes, Negotiation, Negotiations};
pub use questions::{Authorize, Question, Questions};
pub(crate) use quota::{Quota, Share};

use crate::{
    config::{Config, Limits},
    connection::Connection,
    endpoint::Endpoint,
    error::{Code, Error, Result},
    identity::PublicKey,
    protocol::Protocol,
    wire::{
        codes::close,
        refusal::{Refusal, code},
    },
};
use questions::{Board, IfFull, Verdict};
use quota::{Bounds, Exceeded};

/// Everything of one endpoint that decides who may what.
#[derive(Debug)]
pub(crate) struct Guard {
    access: Arc<Access>,
    board: Option<Arc<Board>>,
    /// Locked while peers and streams are asked about again.
    reauthorizing: tokio::sync::Mutex<()>,
    /// Streams that peers have open, all of them.
    streams: Arc<AtomicUsize>,
    bounds: Bounds,
    negotiations: Arc<AtomicUsize>,
    /// Bytes of headers that waiting streams of one peer may hold.
    header_bytes: u64,
}

/// Why a connection is closed, as its peer is told.
pub(crate) struct Turned {
    pub(crate) code: u64,
    pub(crate) reason: &'static str,
}

const UNAUTHORIZED: Turned = Turned { code: close::UNAUTHORIZED, reason: "this key is not let in" };
const LATE: Turned = Turned { code: close::UNAUTHORIZED, reason: "nobody said in time whether this key is let in" };
const BUSY: Turned = Turned { code: close::LIMIT, reason: "too many wait to be let in" };

impl Guard {
    pub(crate) fn new(config: &Config) -> Self {
        let Limits { streams_per_peer, streams, stream_rate, .. } = config.limits;
        Self {
            access: Arc::new(Access::new(config.access.clone())),
            board: config.authorize.filter(|rules| rules.peer || rules.stream).map(Board::new),
            reauthorizing: tokio::sync::Mutex::default(),
            streams: Arc::default(),
            bounds: Bounds { of_one_peer: streams_per_peer, of_all: streams, rate: stream_rate },
            negotiations: Arc::default(),
            header_bytes: config.limits.receive_window_per_peer,
        }
    }

    /// What a new peer may have.
    pub(crate) fn quota(&self) -> Arc<Quota> {
        Quota::new(&self.streams, Negotiations::new(&self.negotiations, self.header_bytes))
    }

    pub(crate) fn access(&self) -> Arc<Access> {
        self.access.clone()
    }

    /// Counts a stream of a peer that waits and is not counted by [`Guard::check_quota`] yet; before a task is spent on it.
    pub(crate) fn check_negotiation(quota: &Arc<Quota>) -> Result<Negotiation, Refusal> {
        Negotiation::begin(quota).map_err(negotiation::Exceeded::refusal)
    }

    /// Counts the header bytes of a stream before it waits with them.
    pub(crate) fn check_header_bytes(quota: &Arc<Quota>, count: usize) -> Result<HeaderBytes, Refusal> {
        HeaderBytes::begin(quota, count).map_err(negotiation::Exceeded::refusal)
    }

    /// Counts header bytes that come while the stream waits.
    pub(crate) fn check_more_header_bytes(bytes: &mut HeaderBytes, count: usize) -> Result<(), Refusal> {
        bytes.add(count).map_err(negotiation::Exceeded::refusal)
    }

    /// What the lists say of a peer: known before anything is made for it.
    pub(crate) fn check_lists(&self, peer: &PublicKey) -> Result<(), Turned> {
        if self.access.lets_in(peer) { Ok(()) } else { Err(UNAUTHORIZED) }
    }

    /// The epoch whose answers count: those of the next one replace them.
    pub(crate) fn epoch(&self) -> u64 {
        self.access.epoch()
    }

    /// Whether a peer that the lists let in may connect.
    pub(crate) async fn check_peer(&self, peer: PublicKey) -> Result<(), Turned> {
        self.ask_about_peer(peer, IfFull::Refuse).await
    }

    async fn ask_about_peer(&self, peer: PublicKey, if_full: IfFull) -> Result<(), Turned> {
        let Some(board) = self.board.as_ref().filter(|board| board.rules().peer) else { return Ok(()) };
        match board.ask(peer, None, if_full).await {
            Verdict::Yes => Ok(()),
            Verdict::No => Err(UNAUTHORIZED),
            Verdict::Late => Err(LATE),
            Verdict::Busy => Err(BUSY),
        }
    }

    /// Counts a stream of a peer's.
    pub(crate) fn check_quota(&self, quota: &Arc<Quota>) -> Result<Share, Refusal> {
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
            || self.board.as_ref().is_some_and(|board| {
                let Authorize { peer, stream, .. } = *board.rules();
                stream || peer && connection.was_let_in(epoch) != Some(true)
            })
    }

    /// Whether a peer may use a protocol on this connection, by the answers of this epoch.
    pub(crate) async fn check_stream(
        &self,
        connection: &Connection,
        protocol: &Protocol,
        epoch: u64,
    ) -> Result<(), Refusal> {
        self.ask_about_stream(connection, protocol, epoch, IfFull::Refuse).await
    }

    async fn ask_about_stream(
        &self,
        connection: &Connection,
        protocol: &Protocol,
        epoch: u64,
        if_full: IfFull,
    ) -> Result<(), Refusal> {
        let peer = connection.remote();
        // Whoever made a connection was checked then. One that we made says nothing about what its peer may use here.
        self.check_lists(&peer).map_err(Turned::into_refusal)?;
        let Some(board) = &self.board else { return Ok(()) };
        let Authorize { peer: asks_peer, stream: asks_stream, .. } = *board.rules();
        if asks_peer {
            let ask = async {
                match self.ask_about_peer(peer, if_full).await {
                    Ok(()) => Ok(true),
                    Err(turned) if turned.code == close::UNAUTHORIZED => Ok(false),
                    Err(turned) => Err(turned.into_refusal()),
                }
            };
            if !connection.let_in(epoch, ask).await? {
                return Err(UNAUTHORIZED.into_refusal());
            }
        }
        if !asks_stream {
            return Ok(());
        }
        board.ask(peer, Some(protocol), if_full).await.into_result(protocol)
    }

    /// The endpoint closes: nothing is asked any more.
    pub(crate) fn close(&self) {
        if let Some(board) = &self.board {
            board.close();
        }
    }
}

impl Verdict {
    /// What a stream of this protocol is refused with.
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

impl Turned {
    pub(crate) fn into_refusal(self) -> Refusal {
        let code = if self.code == close::UNAUTHORIZED { code::UNAUTHORIZED } else { code::BUSY };
        Refusal { code: code.to_owned(), message: self.reason.to_owned() }
    }
}

impl Endpoint {
    /// Who may connect and use what is served here.
    #[must_use]
    pub fn access(&self) -> AccessLists {
        self.shared().guard.access.lists()
    }

    /// Changes who may. Connections of those who may no longer are closed at once, those that we made included. Their queued
    /// streams are reset: a listener gets none of them afterwards.
    pub fn change_access(&self, change: impl FnOnce(&mut AccessLists)) {
        let guard = &self.shared().guard;
        guard.access.change(change);
        // Behind the change: whoever is listed from now on was looked up in the new lists.
        let connections: Vec<Connection> = self.shared().connections().values().cloned().collect();
        for connection in connections {
            if let Err(Turned { code, reason }) = guard.check_lists(&connection.remote()) {
                connection.close_own(code, reason);
            }
        }
        // Behind the closes: whoever takes a stream or connection from a queue looks as well.
        self.shared().router.purge_denied();
        self.shared().inbound.purge_ended();
    }

    /// The questions that [`Authorize`] asks for.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` when nothing is asked here, or somebody takes them already.
    pub fn questions(&self) -> Result<Questions> {
        let board = self.shared().guard.board.as_ref();
        board.ok_or_else(|| Error::new(Code::InvalidArgument, "this endpoint asks nothing"))?.taker()
    }
}
