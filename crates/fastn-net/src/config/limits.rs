//! Bounds and time limits, with their defaults.

use std::time::Duration;

use crate::options::{Field, options};

options! {
    /// Bounds of everything that grows, and time limits.
    ///
    /// Start from the defaults: assign fields, or chain the `with_…` methods.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastn_net::Limits;
    ///
    /// let limits = Limits::default().with_idle_timeout(Duration::from_secs(10)).with_max_connections(100);
    /// assert_eq!(limits.max_connections, 100);
    /// ```
    ///
    /// Or by name:
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastn_net::Limits;
    ///
    /// let mut limits = Limits::default();
    /// assert!(limits.set("idleTimeout", 2500.0) && !limits.set("idle_timeout", 2500.0));
    /// assert_eq!(limits.idle_timeout, Duration::from_millis(2500));
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Limits {
        /// Dial policy.
        pub connect, with_connect: Connect = Connect::DEFAULT;
        /// From a sent header to its acknowledgement.
        pub ack_timeout, with_ack_timeout: Duration = Duration::from_secs(10);
        /// From an accepted stream to the end of its header line.
        pub header_timeout, with_header_timeout: Duration = Duration::from_secs(10);
        /// Size of a stream's header line, in bytes.
        pub max_header_bytes, with_max_header_bytes: usize = 64 * 1024;
        /// From sending a ping to its answer. Also for the pings that check a connection while no call waits; while a call waits, these
        /// have 3 s.
        pub ping_timeout, with_ping_timeout: Duration = Duration::from_secs(5);
        /// Idle timeout of an unused connection that we dialled. A peer's actor ends after the same time without a connection or a
        /// request.
        pub idle_timeout, with_idle_timeout: Duration = Duration::from_mins(1);
        /// Incoming streams that a peer may have open on one connection.
        pub max_streams, with_max_streams: u32 = 1024;
        /// Incoming streams of one peer on all its connections. A stream counts from its complete header until both halves have ended.
        pub max_streams_per_peer, with_max_streams_per_peer: usize = 8192;
        /// Incoming streams of all peers together.
        pub max_streams_total, with_max_streams_total: usize = 262_144;
        /// Rate at which one peer may open streams. `None`: unbounded.
        pub stream_rate, with_stream_rate: Option<Rate> = None;
        /// Bytes that a peer may send on one connection before the application reads them.
        pub receive_window, with_receive_window: u32 = 16 * 1024 * 1024;
        /// Unread bytes of one peer on all its connections together. Each connection may hold another 64 KiB.
        pub receive_window_per_peer, with_receive_window_per_peer: u64 = 64 * 1024 * 1024;
        /// Connections of the endpoint, dialled and accepted.
        pub max_connections, with_max_connections: usize = 10_000;
        /// Connections of one peer.
        pub max_connections_per_peer, with_max_connections_per_peer: usize = 64;
        /// Acknowledged streams that wait for one listener.
        pub max_queued_streams, with_max_queued_streams: usize = 1024;
        /// Acknowledged streams of one peer that wait for one listener.
        pub max_queued_streams_per_peer, with_max_queued_streams_per_peer: usize = 256;
    }
}

impl Field for Connect {}
impl Field for Option<Rate> {}

/// A rate limit (token bucket).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Sustained rate.
    pub per_second: u32,
    /// Burst after a pause.
    pub burst: u32,
}

options! {
    /// Subjects of authorization requests, and their time limit. The default requests nothing: set `peer` or `stream`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Authorize {
        /// Ask once about each connection that a peer makes.
        pub peer, with_peer: bool = false;
        /// Ask about each stream that a peer opens.
        pub stream, with_stream: bool = false;
        /// A request that is not answered within this time is denied.
        pub timeout, with_timeout: Duration = Duration::from_secs(5);
        /// Unanswered requests of all peers together. Further ones are refused as busy.
        pub max_pending, with_max_pending: usize = 4096;
        /// Unanswered requests about one peer.
        pub max_pending_per_peer, with_max_pending_per_peer: usize = 1024;
    }
}

options! {
    /// Dial policy for a peer. Dials run one after another while a request waits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Connect {
        /// Redials of one request after its first failed dial. `None`: unbounded within the time limit of the request.
        pub retries, with_retries: Option<u32> = None;
        /// Upper bound of the delay after the first failure. Doubles with each failure (exponential backoff with full jitter).
        pub min_delay, with_min_delay: Duration = Duration::from_millis(100);
        /// Upper bound of every delay.
        pub max_delay, with_max_delay: Duration = Duration::from_secs(30);
        /// One dial, from the first packet to the end of the handshake. Inbound handshakes always have 10 s.
        pub attempt_timeout, with_attempt_timeout: Duration = Duration::from_secs(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_can_be_set_by_its_name() {
        let names = Limits::default().numbers();
        assert!(names.contains(&("maxStreamsPerPeer".to_owned(), 8192.0)));
        for (name, number) in names {
            let mut limits = Limits::default();
            assert!(limits.set(&name, number + 1.0), "{name}");
            let set = limits.numbers().into_iter().find(|(other, _)| *other == name);
            assert_eq!(set, Some((name, number + 1.0)));
        }
    }

    #[test]
    fn numbers_are_clamped_to_the_range_of_their_limit() {
        let mut limits = Limits::default();
        assert!(limits.set("maxStreams", 1e12) && limits.set("ackTimeout", f64::INFINITY));
        assert_eq!(limits.max_streams, u32::MAX);
        assert!(limits.ack_timeout > Duration::from_hours(24 * 365));
    }

    #[test]
    fn a_name_sets_only_a_field_of_its_type() {
        let (mut connect, mut limits) = (Connect::default(), Limits::default());
        assert!(connect.set("retries", 3.0) && !connect.set("retries", "3") && !connect.set("retry", 3.0));
        assert_eq!(connect.retries, Some(3));
        assert!(!limits.set("connect", 1.0) && !limits.set("streamRate", 1.0));
    }
}
