//! The counters of an endpoint as text.
//!
//! - `text`: the Prometheus text format

mod text;

use self::text::Text;
use super::EndpointInner;
use crate::{
    counters::{CLOSE_REASONS, DIAL_CODES, REJECTIONS, Value},
    wire::refusal,
};

/// Renders all counters. See [`crate::Endpoint::metrics`].
pub(super) fn text(inner: &EndpointInner) -> String {
    let counters = &*inner.counters;
    let live = Live::of(inner);
    let mut text = Text::default();
    text.gauge("connections", "Open connections.", "direction", &live.connections);
    let opened = [("dialled", counters.connections_dialled.get()), ("accepted", counters.connections_accepted.get())];
    text.counters("connections_opened_total", "Established connections.", "direction", opened);
    text.head("connections_closed_total", "counter", "Closed connections, by the side that closed them.");
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
    let rejected = counters.rejected.each(&REJECTIONS);
    text.counters(
        "connections_rejected_total",
        "Connections of peers that this endpoint closed at once.",
        "reason",
        rejected,
    );
    // In this order: a stream that ends concurrently makes the gauge briefly too high, never negative.
    let ended = counters.streams_ended.get();
    let begun = counters.streams_opened.get() + counters.streams_accepted.get();
    text.single("streams", "gauge", "Open streams.", begun.saturating_sub(ended));
    text.single("sent_bytes_total", "counter", "UDP payload sent, over live and closed connections.", live.bytes_sent);
    text.single("received_bytes_total", "counter", "UDP payload received.", live.bytes_received);
    let failed = counters.failed_dials.each(&DIAL_CODES);
    text.counters("dials_failed_total", "Failed dials.", "code", failed);
    let retries = [("dial", counters.dial_retries.get()), ("stream", counters.stream_retries.get())];
    let help = "Dials after a failed one; streams that were reopened because the peer cannot have seen them.";
    text.counters("retries_total", help, "what", retries);
    let sent = counters.refusals_sent.each(refusal::word::ALL);
    text.counters("refusals_sent_total", "Incoming streams that this endpoint refused.", "code", sent);
    let received = counters.refusals_received.each(refusal::word::ALL);
    let help = "Streams that peers refused; codes unknown to this library count as `other`.";
    text.counters("refusals_received_total", help, "code", received);
    counters.each(|name, help, value| match value {
        Value::Count(count) => text.single(name, "counter", help, count),
        Value::Times(times) => text.histogram(name, help, times),
    });
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
