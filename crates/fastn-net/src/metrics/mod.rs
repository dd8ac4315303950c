//! What an endpoint counts, and the text in which it tells it.
//!
//! - `counts`: counters by label, of a closed set
//! - `histogram`: how long things take
//! - `text`: the Prometheus text format
//!
//! Plain atomics: one relaxed increment at the beginning of a stream and one at its end is all that the path of a request
//! pays. Label values come only from closed sets, never from a peer, so that the text is bounded.

mod counts;
mod histogram;
mod text;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    connection::{CloseInfo, Connection, Stats},
    error::{Code, Result},
    shared::Shared,
    wire::{codes::close, refusal},
};
use counts::Counts;
use histogram::Histogram;
use text::Text;

/// With which codes dials fail; what is none of them counts as `other`.
const DIAL_CODES: [&str; 6] = [
    Code::Unreachable.as_str(),
    Code::Unauthorized.as_str(),
    Code::ProtocolUnsupported.as_str(),
    Code::PeerAddress.as_str(),
    Code::Closed.as_str(),
    "other",
];

/// Why connections end: words for the codes of [`close`], one for all codes of applications, one for the network.
const CLOSE_REASONS: [&str; 8] =
    ["plain", "idle", "superseded", "shutdown", "unauthorized", "limit", "application", "lost"];

/// What an endpoint counts from its beginning on.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    streams_opened: AtomicU64,
    streams_accepted: AtomicU64,
    streams_ended: AtomicU64,
    dialled: AtomicU64,
    accepted: AtomicU64,
    closed_here: Counts<8>,
    closed_by_peer: Counts<8>,
    /// Of connections that have ended; those that live know their own.
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    dials: AtomicU64,
    failed_dials: Counts<6>,
    dial_retries: AtomicU64,
    actor_panics: AtomicU64,
    stream_retries: AtomicU64,
    refusals_sent: Counts<{ refusal::code::ALL.len() + 1 }>,
    refusals_received: Counts<{ refusal::code::ALL.len() + 1 }>,
    ack_times: Histogram,
    ping_times: Histogram,
}

impl Metrics {
    pub(crate) fn stream_opened(&self) {
        add(&self.streams_opened, 1);
    }

    pub(crate) fn stream_accepted(&self) {
        add(&self.streams_accepted, 1);
    }

    pub(crate) fn stream_ended(&self) {
        add(&self.streams_ended, 1);
    }

    pub(crate) fn connection_opened(&self, dialled: bool) {
        add(if dialled { &self.dialled } else { &self.accepted }, 1);
    }

    pub(crate) fn connection_closed(&self, info: &CloseInfo) {
        let by = if info.by == "peer" { &self.closed_by_peer } else { &self.closed_here };
        by.add(&CLOSE_REASONS, close_reason(info));
    }

    /// A connection that has left the endpoint's list leaves its bytes here.
    pub(crate) fn keep_bytes(&self, stats: &Stats) {
        add(&self.bytes_sent, stats.bytes_sent);
        add(&self.bytes_received, stats.bytes_received);
    }

    pub(crate) fn dialled<T>(&self, result: &Result<T>) {
        add(&self.dials, 1);
        if let Err(error) = result {
            self.failed_dials.add(&DIAL_CODES, error.code().as_str());
        }
    }

    pub(crate) fn dial_retried(&self) {
        add(&self.dial_retries, 1);
    }

    pub(crate) fn actor_panicked(&self) {
        add(&self.actor_panics, 1);
    }

    pub(crate) fn stream_retried(&self) {
        add(&self.stream_retries, 1);
    }

    pub(crate) fn refusal_sent(&self, word: &str) {
        self.refusals_sent.add(refusal::code::ALL, word);
    }

    pub(crate) fn refusal_received(&self, word: &str) {
        self.refusals_received.add(refusal::code::ALL, word);
    }

    pub(crate) fn acknowledged_after(&self, time: Duration) {
        self.ack_times.observe(time);
    }

    pub(crate) fn ping_answered_after(&self, time: Duration) {
        self.ping_times.observe(time);
    }
}

/// All of it as text, see [`crate::Endpoint::metrics`].
pub(crate) fn text(shared: &Shared) -> String {
    let metrics = &*shared.metrics;
    let live = Live::of(shared);
    let mut text = Text::default();
    text.gauge("connections", "Connections that are open.", "direction", &live.connections);
    let opened = [("dialled", get(&metrics.dialled)), ("accepted", get(&metrics.accepted))];
    text.counters("connections_opened_total", "Connections that were made.", "direction", opened);
    text.head("connections_closed_total", "counter", "Connections that ended: by whom, and why.");
    for (by, counts) in [("local", &metrics.closed_here), ("peer", &metrics.closed_by_peer)] {
        for (reason, count) in counts.each(&CLOSE_REASONS) {
            // Nobody says that he lost a connection.
            match (by, reason) {
                ("peer", "lost") => {}
                (_, "lost") => text.sample("connections_closed_total", &[("by", "network"), ("reason", reason)], count),
                _ => text.sample("connections_closed_total", &[("by", by), ("reason", reason)], count),
            }
        }
    }
    // In this order: a stream that ends meanwhile makes the gauge too high for once, never negative.
    let ended = get(&metrics.streams_ended);
    let (opened, accepted) = (get(&metrics.streams_opened), get(&metrics.streams_accepted));
    text.single("streams", "gauge", "Streams that are open.", (opened + accepted).saturating_sub(ended));
    text.single("streams_opened_total", "counter", "Streams that this endpoint opened, pings included.", opened);
    text.single("streams_accepted_total", "counter", "Streams of peers that were acknowledged.", accepted);
    text.single("sent_bytes_total", "counter", "Bytes of UDP payload that were sent.", live.bytes_sent);
    text.single("received_bytes_total", "counter", "Bytes of UDP payload that were received.", live.bytes_received);
    text.single("dials_total", "counter", "Dials that came to an end.", get(&metrics.dials));
    let failed = metrics.failed_dials.each(&DIAL_CODES);
    text.counters("dials_failed_total", "Dials that failed, by code.", "code", failed);
    let retries = [("dial", get(&metrics.dial_retries)), ("stream", get(&metrics.stream_retries))];
    text.counters("retries_total", "Dials and streams that were tried again.", "what", retries);
    let panics = get(&metrics.actor_panics);
    text.single("actor_panics_total", "counter", "Peers' actors that panicked, and were replaced.", panics);
    let sent = metrics.refusals_sent.each(refusal::code::ALL);
    text.counters("refusals_sent_total", "Streams of peers that were refused, by the word sent.", "code", sent);
    let received = metrics.refusals_received.each(refusal::code::ALL);
    text.counters("refusals_received_total", "Streams that peers refused, by the word received.", "code", received);
    text.histogram("ack_seconds", "From asking for a stream's acknowledgement to having it.", &metrics.ack_times);
    text.histogram("ping_seconds", "Round-trip time of the pings that were answered.", &metrics.ping_times);
    text.into_string()
}

/// What is read off the connections themselves.
struct Live {
    connections: [(&'static str, u64); 2],
    bytes_sent: u64,
    bytes_received: u64,
}

impl Live {
    fn of(shared: &Shared) -> Self {
        // Under the lock: whoever leaves the list leaves its bytes in the metrics before the lock is free again.
        let connections = shared.connections();
        let [mut dialled, mut accepted] = [0; 2];
        let [mut bytes_sent, mut bytes_received] =
            [get(&shared.metrics.bytes_sent), get(&shared.metrics.bytes_received)];
        for connection in connections.values() {
            *(if connection.is_dialled() { &mut dialled } else { &mut accepted }) += 1;
            let stats = connection.stats();
            bytes_sent += stats.bytes_sent;
            bytes_received += stats.bytes_received;
        }
        Self { connections: [("dialled", dialled), ("accepted", accepted)], bytes_sent, bytes_received }
    }
}

impl Shared {
    /// Takes a connection off the list, keeps what it counted, and ends its listeners.
    pub(crate) fn unlist(&self, connection: &Connection) {
        if let Some(connection) = self.connections().remove(&connection.id()) {
            self.metrics.keep_bytes(&connection.stats());
        }
        // Off the list before: a listener that comes later finds that the connection has ended.
        self.router.connection_ended(connection.id());
    }

    /// The same of all that are left.
    pub(crate) fn unlist_all(&self) {
        let mut connections = self.connections();
        let keep = |(_, connection): (u64, Connection)| {
            self.metrics.keep_bytes(&connection.stats());
            connection
        };
        let left: Vec<Connection> = connections.drain().map(keep).collect();
        drop(connections);
        // One that never had a task has nobody else who does this.
        left.iter().for_each(Connection::let_go);
    }
}

fn close_reason(info: &CloseInfo) -> &'static str {
    match (info.by, info.code) {
        ("network", _) => "lost",
        (_, close::PLAIN) => "plain",
        (_, close::IDLE) => "idle",
        (_, close::SUPERSEDED) => "superseded",
        (_, close::SHUTDOWN) => "shutdown",
        (_, close::UNAUTHORIZED) => "unauthorized",
        (_, close::LIMIT) => "limit",
        _ => "application",
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_peers_own_makes_no_label() {
        let metrics = Metrics::default();
        for word in ["busy", "go\"away\n", "", "busy", "other", "too-many-streams"] {
            metrics.refusal_received(word);
        }
        let counted: Vec<_> =
            metrics.refusals_received.each(refusal::code::ALL).filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("too-many-streams", 1), ("busy", 2), ("other", 3)]);
    }

    #[test]
    fn every_end_of_a_connection_has_a_reason_of_the_list() {
        let codes = (0..0x200).chain([u64::MAX]);
        for (by, code) in codes.flat_map(|code| ["local", "peer", "network"].map(|by| (by, code))) {
            let info = CloseInfo { code, reason: String::new(), by };
            assert!(CLOSE_REASONS.contains(&close_reason(&info)), "{info:?}");
        }
    }

    #[test]
    fn a_dial_counts_with_its_code() {
        let metrics = Metrics::default();
        metrics.dialled(&Ok(()));
        for code in [Code::Unreachable, Code::Internal, Code::Bind] {
            metrics.dialled::<()>(&Err(crate::Error::new(code, "no")));
        }
        let counted: Vec<_> = metrics.failed_dials.each(&DIAL_CODES).filter(|(_, count)| *count > 0).collect();
        assert_eq!((get(&metrics.dials), counted), (4, vec![("ERR_UNREACHABLE", 1), ("other", 2)]));
    }
}
