//! The counters of an endpoint as text.
//!
//! - `text`: the Prometheus text format

mod text;

use self::text::Text;
use super::EndpointInner;
use crate::{
    counters::{CLOSE_REASONS, DIAL_CODES},
    wire::refusal,
};

/// Renders all counters. See [`crate::Endpoint::metrics`].
pub(super) fn text(inner: &EndpointInner) -> String {
    let counters = &*inner.counters;
    let live = Live::of(inner);
    let mut text = Text::default();
    text.gauge("connections", "Connections that are open.", "direction", &live.connections);
    let opened = [("dialled", counters.connections_dialled.get()), ("accepted", counters.connections_accepted.get())];
    text.counters("connections_opened_total", "Connections that were made.", "direction", opened);
    text.head("connections_closed_total", "counter", "Connections that ended: by whom, and why.");
    for (by, counts) in [("local", &counters.closed_here), ("peer", &counters.closed_by_peer)] {
        for (reason, count) in counts.each(&CLOSE_REASONS) {
            // A loss has no initiator.
            match (by, reason) {
                ("peer", "lost") => {}
                (_, "lost") => text.sample("connections_closed_total", &[("by", "network"), ("reason", reason)], count),
                _ => text.sample("connections_closed_total", &[("by", by), ("reason", reason)], count),
            }
        }
    }
    // In this order: a stream that ends concurrently makes the gauge briefly too high, never negative.
    let ended = counters.streams_ended.get();
    let (opened, accepted) = (counters.streams_opened.get(), counters.streams_accepted.get());
    text.single("streams", "gauge", "Streams that are open.", (opened + accepted).saturating_sub(ended));
    text.single("streams_opened_total", "counter", "Streams that this endpoint opened, pings included.", opened);
    text.single("streams_accepted_total", "counter", "Streams of peers that were acknowledged.", accepted);
    text.single("sent_bytes_total", "counter", "Bytes of UDP payload that were sent.", live.bytes_sent);
    text.single("received_bytes_total", "counter", "Bytes of UDP payload that were received.", live.bytes_received);
    text.single("dials_total", "counter", "Dials that came to an end.", counters.dials.get());
    let failed = counters.failed_dials.each(&DIAL_CODES);
    text.counters("dials_failed_total", "Dials that failed, by code.", "code", failed);
    let retries = [("dial", counters.dial_retries.get()), ("stream", counters.stream_retries.get())];
    text.counters("retries_total", "Dials and streams that were tried again.", "what", retries);
    let panics = counters.actor_panics.get();
    text.single("actor_panics_total", "counter", "Peers' actors that panicked, and were replaced.", panics);
    let sent = counters.refusals_sent.each(refusal::word::ALL);
    text.counters("refusals_sent_total", "Streams of peers that were refused, by the word sent.", "code", sent);
    let received = counters.refusals_received.each(refusal::word::ALL);
    text.counters("refusals_received_total", "Streams that peers refused, by the word received.", "code", received);
    text.histogram("ack_seconds", "From asking for a stream's acknowledgement to having it.", &counters.ack_times);
    text.histogram("ping_seconds", "Round-trip time of the pings that were answered.", &counters.ping_times);
    text.into_string()
}

/// Values read from the live connections.
struct Live {
    connections: [(&'static str, u64); 2],
    bytes_sent: u64,
    bytes_received: u64,
}

impl Live {
    fn of(inner: &EndpointInner) -> Self {
        // Under the lock: a connection that leaves the list adds its bytes to the totals before the lock is released.
        let connections = inner.connections.lock();
        let [mut dialled, mut accepted] = [0; 2];
        let [mut bytes_sent, mut bytes_received] =
            [inner.counters.bytes_sent.get(), inner.counters.bytes_received.get()];
        for connection in connections.values() {
            *(if connection.is_dialled() { &mut dialled } else { &mut accepted }) += 1;
            let stats = connection.stats();
            bytes_sent += stats.bytes_sent;
            bytes_received += stats.bytes_received;
        }
        Self { connections: [("dialled", dialled), ("accepted", accepted)], bytes_sent, bytes_received }
    }
}
