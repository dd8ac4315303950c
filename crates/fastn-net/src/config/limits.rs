//! Bounds and time limits, with their defaults. src/settings.ts has the same values; tests/golden/defaults.json compares the two.

use std::time::Duration;

use crate::options::options;

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
    #[cfg_attr(test, derive(serde::Serialize), serde(rename_all = "camelCase"))]
    pub struct Limits {
        /// Dial policy.
        pub connect, with_connect: Connect = Connect::DEFAULT;
        /// From a sent header to its acknowledgement.
        /// Default: 10 s.
        pub ack_timeout, with_ack_timeout: Duration = Duration::from_secs(10);
        /// From an accepted stream to the end of its header line.
        /// Default: 10 s.
        pub header_timeout, with_header_timeout: Duration = Duration::from_secs(10);
        /// Size of a stream's header line, in bytes.
        /// Default: 64 KiB.
        pub max_header_bytes, with_max_header_bytes: usize = 64 * 1024;
        /// From sending a ping to its answer.
        /// Default: 5 s.
        pub ping_timeout, with_ping_timeout: Duration = Duration::from_secs(5);
        /// Idle timeout of an unused connection that we dialled. A peer's actor ends after the same time without a connection or a
        /// request.
        /// Default: 60 s.
        pub idle_timeout, with_idle_timeout: Duration = Duration::from_mins(1);
        /// Incoming streams that a peer may have open on one connection.
        /// Default: 1,024.
        pub max_streams, with_max_streams: u32 = 1024;
        /// Incoming streams of one peer on all its connections. A stream counts from its complete header until both halves have ended.
        /// Default: 8,192.
        pub max_streams_per_peer, with_max_streams_per_peer: usize = 8192;
        /// Incoming streams of all peers together.
        /// Default: 262,144.
        pub max_streams_total, with_max_streams_total: usize = 262_144;
        /// How fast one peer may open streams. `None`: unbounded.
        /// Default: no bound.
        pub stream_rate, with_stream_rate: Option<Rate> = None;
        /// Bytes that a peer may send on one connection before the application reads them.
        /// Default: 16 MiB.
        pub receive_window, with_receive_window: u32 = 16 * 1024 * 1024;
        /// Unread bytes of one peer on all its connections together. Each connection may hold another 64 KiB.
        /// Default: 64 MiB.
        pub receive_window_per_peer, with_receive_window_per_peer: u64 = 64 * 1024 * 1024;
        /// Connections of the endpoint, dialled and accepted.
        /// Default: 10,000.
        pub max_connections, with_max_connections: usize = 10_000;
        /// Connections of one peer.
        /// Default: 64.
        pub max_connections_per_peer, with_max_connections_per_peer: usize = 64;
        /// Acknowledged streams that wait for one listener.
        /// Default: 1,024.
        pub max_queued_streams, with_max_queued_streams: usize = 1024;
        /// Acknowledged streams of one peer that wait for one listener.
        /// Default: 256.
        pub max_queued_streams_per_peer, with_max_queued_streams_per_peer: usize = 256;
    }
}

/// A rate limit (token bucket).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Rate {
    /// Sustained rate.
    pub per_second: u32,
    /// Burst after a pause.
    pub burst: u32,
}

/// Subjects of authorization requests, and their time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize), serde(rename_all = "camelCase"))]
pub struct Authorize {
    /// Ask once about each connection that a peer makes.
    /// Default: false.
    pub peer: bool,
    /// Ask about each stream that a peer opens.
    /// Default: false.
    pub stream: bool,
    /// A request that is not answered within this time is denied.
    /// Default: 5 s.
    pub timeout: Duration,
    /// Unanswered requests of all peers together. Further ones are refused as busy.
    /// Default: 4,096.
    pub max_pending: usize,
    /// Unanswered requests about one peer.
    /// Default: 1,024.
    pub max_pending_per_peer: usize,
}

/// Dial policy for a peer. Dials run one after another while a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize), serde(rename_all = "camelCase"))]
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
    /// One dial, from the first packet to the end of the handshake. Inbound handshakes always have 10 s.
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

impl Connect {
    const DEFAULT: Self = Self {
        retries: None,
        min_delay: Duration::from_millis(100),
        max_delay: Duration::from_secs(30),
        attempt_timeout: Duration::from_secs(10),
    };
}

impl Default for Connect {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    /// The numbers in options, times in milliseconds. What is off or has no bound has none.
    fn numbers(options: impl serde::Serialize) -> Map<String, Value> {
        let Value::Object(options) = json!(options) else { panic!("options are an object") };
        let number = |value: Value| match value {
            Value::Number(_) => Some(value),
            Value::Object(time) if time.contains_key("nanos") => {
                let part = |name: &str| time[name].as_u64().expect("a whole number");
                Some(json!(part("secs") * 1000 + part("nanos") / 1_000_000))
            }
            Value::Object(_) => Some(json!(numbers(value))),
            _ => None,
        };
        options.into_iter().filter_map(|(name, value)| Some((name, number(value)?))).collect()
    }

    #[test]
    fn defaults_equal_the_golden_file() {
        let mut golden: Map<String, Value> =
            serde_json::from_str(include_str!("../../tests/golden/defaults.json")).expect("golden file");
        let mut defaults = numbers(Limits::default());
        defaults.insert("authorize".to_owned(), json!(numbers(Authorize::default())));
        // tests/defaults.rs has those of other layers.
        golden.retain(|name, _| defaults.contains_key(name));
        assert_eq!(defaults, golden);
    }
}
