//! Bounds and time limits, with their defaults.

use std::time::Duration;

use crate::options::{Field, Fields, options};

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
        /// From sending a ping to its answer. Also of the pings that check a connection while no call waits. While one waits, theirs
        /// is 3 s.
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
        /// How fast one peer may open streams. `None`: unbounded.
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

impl Limits {
    /// Sets the limit with this name, in camel case as in JavaScript: a count, bytes, or milliseconds. Clamps the number to the range of
    /// the limit. Returns false if no limit that is a number has this name.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastn_net::Limits;
    ///
    /// let mut limits = Limits::default();
    /// assert!(limits.set("idleTimeout", 2500.0) && !limits.set("idle_timeout", 2500.0));
    /// assert_eq!(limits.idle_timeout, Duration::from_millis(2500));
    /// ```
    pub fn set(&mut self, name: &str, number: f64) -> bool {
        let mut is_set = false;
        self.each(&mut |field, value| is_set |= camel_case(field) == name && value.set_number(number));
        is_set
    }

    /// Name and value of each limit that is a number, as [`Limits::set`] takes them.
    #[must_use]
    pub fn numbers(mut self) -> Vec<(String, f64)> {
        let mut numbers = Vec::new();
        self.each(&mut |field, value| numbers.extend(value.number().map(|number| (camel_case(field), number))));
        numbers
    }
}

fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        name.push_str(&initial.to_ascii_uppercase());
        name.push_str(rest);
        name
    })
}

impl Field for Connect {}

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
    use serde_json::{Map, Value, json};

    use super::*;

    /// The numbers in options, times in milliseconds.
    fn numbers(mut options: impl Fields) -> Value {
        let mut numbers = Map::new();
        options.each(&mut |field, value| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "defaults are whole numbers")]
            numbers.extend(value.number().map(|number| (camel_case(field), json!(number as u64))));
        });
        Value::Object(numbers)
    }

    #[test]
    fn defaults_equal_the_golden_file() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/golden/defaults.json")).expect("golden file");
        // tests/defaults.rs has those of other layers.
        assert_eq!(numbers(Connect::default()), golden["connect"]);
        assert_eq!(numbers(Authorize::default()), golden["authorize"]);
    }

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
}
