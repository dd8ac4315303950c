//! Bounds and time limits, with their defaults. src/settings.ts has the same values; tests/golden/defaults.json compares the two.

use std::time::Duration;

/// Bounds of everything that grows, and time limits.
///
/// Start from the defaults: assign fields, or chain the `with_…` methods.
///
/// ```
/// use std::time::Duration;
/// use fastn_net::Limits;
///
/// let limits = Limits::default().with_idle_timeout(Duration::from_secs(10)).with_connections(100);
/// assert_eq!(limits.connections, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Reaching a peer.
    pub connect: Connect,
    /// From a written header to its acknowledgement.
    /// Default: 10 s.
    pub ack_timeout: Duration,
    /// From an accepted stream to the end of its first line.
    /// Default: 10 s.
    pub header_timeout: Duration,
    /// Bytes of a stream's first line.
    /// Default: 64 KiB.
    pub max_header_bytes: usize,
    /// One ping.
    /// Default: 5 s.
    pub ping_timeout: Duration,
    /// Idle timeout of an unused connection that we dialled. A peer's actor ends after the same time without a connection or a
    /// request.
    /// Default: 60 s.
    pub idle_timeout: Duration,
    /// Bidirectional streams that a peer may have open on one connection.
    /// Default: 1,024.
    pub bidi_streams: u32,
    /// Streams that a peer may have open on all its connections, once their first line is there.
    /// Default: 8,192.
    pub streams_per_peer: usize,
    /// The same, of all peers.
    /// Default: 262,144.
    pub streams: usize,
    /// How fast one peer may open them; without bound, where that is not said.
    /// Default: no bound.
    pub stream_rate: Option<Rate>,
    /// Bytes that a peer may send on one connection before the application reads them.
    /// Default: 16 MiB.
    pub receive_window: u32,
    /// The same, on all its connections together. Each may have 64 KiB of its own beside it.
    /// Default: 64 MiB.
    pub receive_window_per_peer: u64,
    /// Connections of the endpoint.
    /// Default: 10,000.
    pub connections: usize,
    /// Connections of one peer.
    /// Default: 64.
    pub connections_per_peer: usize,
    /// Acknowledged streams that wait for one listener.
    /// Default: 1,024.
    pub max_queued_streams: usize,
    /// The same, of one peer.
    /// Default: 256.
    pub max_queued_streams_per_peer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Connect::default(),
            ack_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            max_header_bytes: 64 * 1024,
            ping_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(1),
            bidi_streams: 1024,
            streams_per_peer: 8192,
            streams: 262_144,
            stream_rate: None,
            receive_window: 16 * 1024 * 1024,
            receive_window_per_peer: 64 * 1024 * 1024,
            connections: 10_000,
            connections_per_peer: 64,
            max_queued_streams: 1024,
            max_queued_streams_per_peer: 256,
        }
    }
}

macro_rules! setters {
    ($($field:ident, $with:ident: $type:ty;)*) => {
        impl Limits {
            $(
                #[doc = concat!("Sets [`Limits::", stringify!($field), "`].")]
                #[must_use]
                pub const fn $with(mut self, value: $type) -> Self {
                    self.$field = value;
                    self
                }
            )*
        }
    };
}

setters! {
    connect, with_connect: Connect;
    ack_timeout, with_ack_timeout: Duration;
    header_timeout, with_header_timeout: Duration;
    max_header_bytes, with_max_header_bytes: usize;
    ping_timeout, with_ping_timeout: Duration;
    idle_timeout, with_idle_timeout: Duration;
    bidi_streams, with_bidi_streams: u32;
    streams_per_peer, with_streams_per_peer: usize;
    streams, with_streams: usize;
    stream_rate, with_stream_rate: Option<Rate>;
    receive_window, with_receive_window: u32;
    receive_window_per_peer, with_receive_window_per_peer: u64;
    connections, with_connections: usize;
    connections_per_peer, with_connections_per_peer: usize;
    max_queued_streams, with_max_queued_streams: usize;
    max_queued_streams_per_peer, with_max_queued_streams_per_peer: usize;
}

/// A rate limit: so many a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once, after a time of rest.
    pub burst: u32,
}

/// Subjects of authorization requests, and their time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorize {
    /// Ask once about each connection that a peer makes.
    /// Default: false.
    pub peer: bool,
    /// Ask about each stream that a peer opens.
    /// Default: false.
    pub stream: bool,
    /// A question that has no answer by then is answered with no.
    /// Default: 5 s.
    pub timeout: Duration,
    /// Questions without an answer at one time; more are not asked.
    /// Default: 4,096.
    pub max_pending: usize,
    /// The same, about one peer.
    /// Default: 1,024.
    pub max_pending_per_peer: usize,
}

/// Dial policy for a peer. Dials run one after another while a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Redials of one request after its first failed dial. `None`: unbounded within the time limit of the request.
    /// Default: no bound.
    pub retries: Option<u32>,
    /// Upper bound of the delay after the first failure. Doubles with each failure (exponential backoff with full jitter).
    /// Default: 100 ms.
    pub min_delay: Duration,
    /// Upper bound of every delay.
    /// Default: 30 s.
    pub max_delay: Duration,
    /// One dial, from the first packet to the end of the handshake. Handshakes that peers begin have 10 s, whatever this is.
    /// Default: 10 s.
    pub attempt_timeout: Duration,
}

/// No authorization requests; set `peer` or `stream`.
impl Default for Authorize {
    fn default() -> Self {
        Self {
            peer: false,
            stream: false,
            timeout: Duration::from_secs(5),
            max_pending: 4096,
            max_pending_per_peer: 1024,
        }
    }
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            retries: None,
            min_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
        }
    }
}
