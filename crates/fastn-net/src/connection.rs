//! One QUIC connection: opening streams on it, what is not yet acknowledged, closing it.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::Stream as Events;
use iroh::endpoint::{ConnectionError, Path, PathEvent, RecvStream, SendStream, VarInt};
use tokio::sync::OnceCell;

use crate::{
    config::PeerAddress,
    error::{Code, Error, Result},
    finishing::Finishing,
    guard::Share,
    identity::PublicKey,
    metrics::Metrics,
    peer::Seen,
    quic::Quic,
    stall::Stall,
    stop_watch::StopWatches,
    stream::Stream,
    users::{Alarm, Users},
    wire::{
        alpn::Alpn,
        codes::{close, reset},
        header,
    },
};

/// Most of a reason for closing that the peer is told. noq panics, and with it the process ends, where a code of more than two
/// bytes and a reason do not fit into a packet together.
const REASON_BYTES: usize = 256;

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
    /// Whether its peer may use what is served here, where that was asked after the connection was made.
    let_in: OnceCell<bool>,
    finishing: Finishing,
    metrics: Arc<Metrics>,
    stop_watches: StopWatches,
    stall: Stall,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseInfo {
    /// Application close code; 0 where there was none.
    pub code: u64,
    /// What was said, or what happened.
    pub reason: String,
    /// Who ended it: `local`, `peer` or `network`.
    pub by: &'static str,
}

impl Connection {
    pub(crate) fn new(quic: iroh::endpoint::Connection, alpn: Alpn, dialled: bool, metrics: &Arc<Metrics>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            peer: quic.remote_id().into(),
            alpn,
            dialled,
            quic: Quic::new(quic),
            closed_here: OnceLock::new(),
            users: Users::default(),
            let_in: OnceCell::new(),
            finishing: Finishing::default(),
            metrics: metrics.clone(),
            stop_watches: StopWatches::default(),
            stall: Stall::default(),
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

    /// We may open streams on it: always on `/fastn-net/1`, else only where we dialled (WIRE.md, Connection).
    #[must_use]
    pub fn can_open(&self) -> bool {
        self.0.alpn.is_own() || self.0.dialled
    }

    /// Opens a stream without waiting, or gives `None` where that needs a wait. Its header goes with the first bytes that
    /// are written, or with [`Stream::poll_flush`], or when something is read.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST`.
    pub fn try_open(&self, header: &[u8]) -> Result<Option<Stream>> {
        self.check_spoken(header)?;
        let Some(used) = self.begin() else { return Ok(None) };
        let mut cx = Context::from_waker(Waker::noop());
        let (send, recv) = match pin!(self.0.quic.open_bi()).poll(&mut cx) {
            Poll::Ready(Ok(halves)) => halves,
            Poll::Ready(Err(_)) => return Err(self.lost_error()),
            Poll::Pending => return Ok(None),
        };
        Ok(Some(Stream::opened(self.clone(), send, recv, Some(used), header)))
    }

    /// Opens a stream and writes its header. Cancel safe: a stream without its whole header is reset.
    ///
    /// # Errors
    ///
    /// `ERR_CONNECTION_LOST`; the flag is true where the peer cannot have seen the stream.
    pub async fn open(&self, header: &[u8]) -> Result<Stream, (Error, bool)> {
        self.check_spoken(header).map_err(|error| (error, false))?;
        let Some(used) = self.begin() else { return Err((self.lost_error(), true)) };
        self.open_as(header, Some(used)).await
    }

    /// Opens a stream that counts as a use of the connection, or as none.
    pub(crate) async fn open_as(&self, header: &[u8], used: Option<Use>) -> Result<Stream, (Error, bool)> {
        let (send, recv) = self.0.quic.open_bi().await.map_err(|_| (self.lost_error(), true))?;
        let mut stream = Stream::opened(self.clone(), send, recv, used, header);
        poll_fn(|cx| stream.poll_flush(cx)).await.map_err(|error| (error, true))?;
        Ok(stream)
    }

    /// Fails where [`Connection::can_open`] is false.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    pub fn check_can_open(&self) -> Result<()> {
        if self.can_open() {
            return Ok(());
        }
        let text = "the peer made this connection and speaks only the older protocol: it accepts no stream on it; \
                    use the endpoint's getStream, which makes a connection of its own";
        Err(Error::new(Code::InvalidArgument, text))
    }

    /// malai and kulfi peers know few protocols (WIRE.md, Connection).
    fn check_spoken(&self, header: &[u8]) -> Result<()> {
        if self.0.alpn != Alpn::Kulfi {
            return Ok(());
        }
        let line = header.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let protocol = header::decode(line)?;
        if protocol.is_kulfi() {
            return Ok(());
        }
        let text = format!("a peer that speaks only {} does not know {}", self.0.alpn.as_str(), protocol.to_json());
        Err(Error::new(Code::ProtocolUnsupported, text))
    }

    pub(crate) async fn accept(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        self.0.quic.accept_bi().await
    }

    /// Counts a stream of ours as in use; `None` where none may begin any more.
    fn begin(&self) -> Option<Use> {
        if self.0.stall.is_stalled() { None } else { self.enter() }
    }

    /// Counts a stream of the peer's as in use; `None` once the connection was given up.
    pub(crate) fn enter(&self) -> Option<Use> {
        self.0.users.enter().then(|| Use { connection: self.clone(), share: None })
    }

    /// Whether its peer may use what is served here; asks if that is not known. Cancel safe: the next one asks again.
    pub(crate) async fn let_in<E>(&self, ask: impl Future<Output = Result<bool, E>>) -> Result<bool, E> {
        self.0.let_in.get_or_try_init(|| ask).await.copied()
    }

    /// Streams and views that use it.
    #[must_use]
    pub fn users(&self) -> usize {
        self.0.users.count()
    }

    /// Waits until nothing uses the connection, and lets nothing use it from then on.
    pub(crate) async fn retired(&self) {
        self.0.users.retire().await;
    }

    /// Lets nothing use the connection from then on, unless something does.
    pub(crate) fn try_retire(&self) -> bool {
        self.0.users.try_retire()
    }

    /// It is live, and takes new uses.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_live() && !self.0.users.is_retired() && !self.0.stall.is_stalled()
    }

    /// Sets who is told when the connection is used again, after a look that found it unused. Once.
    pub(crate) fn on_stir(&self, alarm: Alarm) {
        self.0.users.set_alarm(alarm);
        self.0.users.doze();
    }

    /// What its peer's actor wants to know now and then.
    pub(crate) fn look(&self) -> Seen {
        let stats = self.0.quic.stats();
        let traffic = stats.frame_rx.stream + stats.frame_tx.stream;
        Seen { received: stats.udp_rx.bytes, traffic, users: self.0.users.doze() }
    }

    /// The peer has sent something on a stream: an acknowledgement, or more.
    pub(crate) fn carried_streams(&self) -> bool {
        self.0.quic.stats().frame_rx.stream > 0
    }

    /// Bytes that the peer may send before somebody reads them: more than before.
    pub(crate) fn set_receive_window(&self, bytes: u64) {
        if let Some(quic) = self.0.quic.live() {
            quic.set_receive_window(VarInt::from_u64(bytes).unwrap_or(VarInt::MAX));
        }
    }

    /// Waits until the connection has ended or is given up.
    pub(crate) async fn unusable(&self) {
        if self.is_usable() {
            self.0.quic.closed().await;
        }
        // The actor learns it from a task of its own: give that its turn.
        tokio::task::yield_now().await;
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// What was sent here and is not yet acknowledged.
    pub(crate) fn finishing(&self) -> &Finishing {
        &self.0.finishing
    }

    /// The sending halves here that stay open.
    pub(crate) fn stop_watches(&self) -> &StopWatches {
        &self.0.stop_watches
    }

    /// Whether it takes no new stream any more, and who is told.
    pub(crate) fn stall(&self) -> &Stall {
        &self.0.stall
    }

    /// A stream that we opened here was refused, or not acknowledged in time: an older peer takes no other on this connection.
    pub(crate) fn not_taken(&self) {
        if self.may_stall() {
            self.0.stall.tell();
        }
    }

    pub(crate) fn may_stall(&self) -> bool {
        self.0.dialled && !self.0.alpn.is_own()
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

    /// Closes the connection for everyone. Data that the peer has not received is lost to it. Of the reason the first 256 bytes
    /// are kept.
    pub fn close(&self, code: u64, reason: &str) {
        self.close_as(code, code, &reason[..reason.floor_char_boundary(REASON_BYTES)]);
    }

    /// Closes it with a code of this project's own, which older peers see as 0.
    pub(crate) fn close_own(&self, code: u64, reason: &str) {
        self.close_as(code, self.own_code(code), reason);
    }

    fn close_as(&self, code: u64, on_the_wire: u64, reason: &str) {
        // Closing what has ended already would make QUIC forget how: whether streams may be sent again hangs on that.
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

    /// Lets go of what an ended connection holds of QUIC, and with it of the endpoint's sockets.
    pub(crate) fn let_go(&self) {
        // What is to be acknowledged never will be: looking at it lets it go.
        self.0.finishing.left();
        self.0.quic.let_go();
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseInfo> {
        self.0.quic.close_reason().map(|error| self.close_info(&error))
    }

    /// Round-trip time of the selected path.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        let quic = self.0.quic.live()?;
        let paths = quic.paths();
        paths.iter().find(Path::is_selected).or_else(|| paths.iter().next()).map(|p| p.rtt())
    }

    /// The ways packets can take.
    #[must_use]
    pub fn paths(&self) -> Vec<PathInfo> {
        let info = |path: Path<'_>| PathInfo {
            address: match path.remote_addr() {
                iroh::TransportAddr::Ip(address) => address.to_string(),
                iroh::TransportAddr::Relay(url) => url.to_string(),
                other => other.to_string(),
            },
            relay: path.is_relay(),
            selected: path.is_selected(),
            rtt: path.rtt(),
        };
        self.0.quic.live().map_or_else(Vec::new, |quic| quic.paths().iter().map(info).collect())
    }

    /// Where its peer is, as its paths say.
    pub(crate) fn remote_addresses(&self) -> PeerAddress {
        let mut address = PeerAddress::new(self.0.peer);
        let Some(quic) = self.0.quic.live() else { return address };
        for path in quic.paths().iter() {
            match path.remote_addr() {
                iroh::TransportAddr::Ip(at) => address.addresses.push(*at),
                iroh::TransportAddr::Relay(url) => address.relays.push(url.clone()),
                _ => {}
            }
        }
        address
    }

    /// One for each path that opens, closes or is selected, until the connection ends.
    pub(crate) fn path_events(&self) -> impl Events<Item = PathEvent> + Send + Unpin + 'static {
        self.0.quic.path_events()
    }

    /// Counters since the connection was made.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let quic = self.0.quic.stats();
        Stats {
            bytes_sent: quic.udp_tx.bytes,
            bytes_received: quic.udp_rx.bytes,
            datagrams_sent: quic.udp_tx.datagrams,
            datagrams_received: quic.udp_rx.datagrams,
            lost_packets: quic.lost_packets,
            streams: self.users(),
        }
    }

    fn close_info(&self, error: &ConnectionError) -> CloseInfo {
        // What closed it first stays the reason: an endpoint that goes after its connections gives them another.
        if let Some((code, reason)) = self.0.closed_here.get().cloned() {
            return CloseInfo { code, reason, by: "local" };
        }
        match error {
            ConnectionError::ApplicationClosed(close) => CloseInfo {
                code: close.error_code.into(),
                reason: String::from_utf8_lossy(&close.reason).into_owned(),
                by: "peer",
            },
            ConnectionError::LocallyClosed => CloseInfo { code: 0, reason: String::new(), by: "local" },
            ConnectionError::ConnectionClosed(close) => CloseInfo { code: 0, reason: close.to_string(), by: "peer" },
            other => CloseInfo { code: 0, reason: other.to_string(), by: "network" },
        }
    }

    /// A code of this project's own, as this connection's peer may see it (WIRE.md, Codes).
    pub(crate) fn own_code(&self, code: u64) -> u64 {
        if self.0.alpn.is_own() { code } else { reset::LET_GO }
    }

    /// What a call on a connection that has ended fails with.
    pub(crate) fn lost_error(&self) -> Error {
        let Some(info) = self.close_reason() else {
            return Error::new(Code::ConnectionLost, "this connection takes no new stream: a newer one replaces it");
        };
        let (code, text) = match (info.by, info.code) {
            ("peer", close::UNAUTHORIZED) => {
                (Code::Unauthorized, "the peer does not let this key in: ask its owner to allow it".to_owned())
            }
            ("peer", close::LIMIT) => {
                (Code::Busy, format!("the peer takes no further connection now ({:?}): try again later", info.reason))
            }
            ("peer", close::SHUTDOWN) => (Code::ConnectionLost, "the peer shut down".to_owned()),
            ("peer", code) => {
                (Code::ConnectionLost, format!("the peer closed the connection (code {code}, {:?})", info.reason))
            }
            ("local", close::SHUTDOWN) => (Code::Closed, "the endpoint was closed".to_owned()),
            ("local", code) => {
                (Code::ConnectionLost, format!("this side closed the connection (code {code}, {:?})", info.reason))
            }
            _ => (Code::ConnectionLost, format!("the connection was lost: {}", info.reason)),
        };
        Error::new(code, text).with_error_code(info.code)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.0.id).field("peer", &self.0.peer).finish_non_exhaustive()
    }
}

/// One way that packets can take.
#[derive(Clone, Debug)]
pub struct PathInfo {
    /// `ip:port`, or the relay's URL.
    pub address: String,
    /// Through a relay.
    pub relay: bool,
    /// The one in use.
    pub selected: bool,
    /// Round-trip time.
    pub rtt: Duration,
}

/// Counters of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// UDP payload sent, in bytes.
    pub bytes_sent: u64,
    /// UDP payload received, in bytes.
    pub bytes_received: u64,
    /// UDP datagrams sent.
    pub datagrams_sent: u64,
    /// UDP datagrams received.
    pub datagrams_received: u64,
    /// QUIC packets given up for lost.
    pub lost_packets: u64,
    /// Streams and views in use now.
    pub streams: usize,
}

/// Counts one stream or view as a user of the connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Use {
    connection: Connection,
    share: Option<Share>,
}

impl Use {
    /// One that takes a share of what its peer may have as well.
    pub(crate) fn with(mut self, share: Share) -> Self {
        self.share = Some(share);
        self
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.connection.0.users.leave();
    }
}
