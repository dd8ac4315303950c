//! The counters of an endpoint.
//!
//! - `counter`: one number
//! - `labels`: counters by label, of a closed set
//! - `histogram`: durations
//!
//! Plain atomics: a stream costs one relaxed increment at its start and one at its end. Label values come only from closed sets,
//! never from a peer, which bounds the exposed text.

mod counter;
mod histogram;
mod labels;

pub(crate) use self::histogram::Histogram;
use self::{counter::Counter, labels::Counts};
use crate::{
    error::{Code, Result},
    wire::{codes::close, refusal},
};

/// Error codes of failed dials. Any other code counts as `other`.
pub(crate) const DIAL_CODES: [&str; 6] = [
    Code::Unreachable.as_str(),
    Code::Unauthorized.as_str(),
    Code::ProtocolUnsupported.as_str(),
    Code::PeerAddress.as_str(),
    Code::Closed.as_str(),
    "other",
];

/// Reasons for the end of a connection: one for each code of [`close`], one for application codes, one for a loss.
pub(crate) const CLOSE_REASONS: [&str; close::REASONS.len() + 2] = {
    let mut reasons = [""; close::REASONS.len() + 2];
    let (own, others) = reasons.split_at_mut(close::REASONS.len());
    own.copy_from_slice(close::REASONS);
    others.copy_from_slice(&["application", "lost"]);
    reasons
};

/// Reasons for rejecting a peer's connection.
pub(crate) const REJECTIONS: [&str; 3] = ["unauthorized", "limit", "shutdown"];

/// Declares each counter once: its field, and the name and help of its metric. Metrics that combine fields are written in
/// `endpoint/metrics`.
macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident: $type:ty $(= $name:literal, $help:literal)?;)*) => {
        /// Counters of an endpoint, from its start.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[$doc])* pub(crate) $field: $type,)*
        }

        impl Counters {
            /// Calls `write` with name, help and value of each metric that is one field.
            pub(crate) fn each<'a>(&'a self, mut write: impl FnMut(&'static str, &'static str, Value<'a>)) {
                $($(write($name, $help, (&self.$field).into());)?)*
            }
        }
    };
}

counters! {
    streams_opened: Counter = "streams_opened_total", "Streams that this endpoint opened, including pings.";
    streams_accepted: Counter = "streams_accepted_total", "Incoming streams that this endpoint acknowledged.";
    streams_ended: Counter;
    connections_dialled: Counter;
    connections_accepted: Counter;
    closed_here: Counts<{ CLOSE_REASONS.len() }>;
    closed_by_peer: Counts<{ CLOSE_REASONS.len() }>;
    rejected: Counts<{ REJECTIONS.len() }>;
    /// Totals of closed connections. Live ones count their own.
    bytes_sent: Counter;
    bytes_received: Counter;
    dials: Counter = "dials_total", "Completed dials, successful or failed.";
    failed_dials: Counts<6>;
    dial_retries: Counter;
    actor_panics: Counter = "actor_panics_total",
        "Bugs that ended a peer's task. Its connections were closed and a new task started. Please report it.";
    stream_retries: Counter;
    refusals_sent: Counts<{ refusal::word::ALL.len() + 1 }>;
    refusals_received: Counts<{ refusal::word::ALL.len() + 1 }>;
    ack_times: Histogram = "ack_seconds", "Time from requesting a stream's acknowledgement to receiving it.";
    ping_times: Histogram = "ping_seconds", "Round-trip time of each answered ping.";
}

/// The value of a metric that is one field.
pub(crate) enum Value<'a> {
    Count(u64),
    Times(&'a Histogram),
}

impl From<&Counter> for Value<'_> {
    fn from(counter: &Counter) -> Self {
        Self::Count(counter.get())
    }
}

impl<'a> From<&'a Histogram> for Value<'a> {
    fn from(histogram: &'a Histogram) -> Self {
        Self::Times(histogram)
    }
}

impl Counters {
    pub(crate) fn connection_opened(&self, dialled: bool) {
        let opened = if dialled { &self.connections_dialled } else { &self.connections_accepted };
        opened.add(1);
    }

    /// `by` and `close_code` are those of the connection's `CloseInfo`.
    pub(crate) fn connection_closed(&self, by: &str, close_code: u64) {
        let closed = if by == "peer" { &self.closed_by_peer } else { &self.closed_here };
        closed.add(&CLOSE_REASONS, close_reason(by, close_code));
    }

    pub(crate) fn connection_rejected(&self, close_code: u64) {
        self.rejected.add(&REJECTIONS, close_reason("local", close_code));
    }

    /// Adds the byte counts of a connection that is removed from the endpoint.
    pub(crate) fn keep_bytes(&self, sent: u64, received: u64) {
        self.bytes_sent.add(sent);
        self.bytes_received.add(received);
    }

    pub(crate) fn dial_ended<T>(&self, result: &Result<T>) {
        self.dials.add(1);
        if let Err(error) = result {
            self.failed_dials.add(&DIAL_CODES, error.code().as_str());
        }
    }

    pub(crate) fn refusal_sent(&self, word: &str) {
        self.refusals_sent.add(refusal::word::ALL, word);
    }

    pub(crate) fn refusal_received(&self, word: &str) {
        self.refusals_received.add(refusal::word::ALL, word);
    }
}

fn close_reason(by: &str, close_code: u64) -> &'static str {
    match by {
        "network" => "lost",
        _ => close::reason(close_code).unwrap_or("application"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn an_unknown_refusal_code_makes_no_label() {
        let counters = Counters::default();
        for word in ["busy", "go\"away\n", "", "busy", "other", "too-many-streams"] {
            counters.refusal_received(word);
        }
        let counted: Vec<_> =
            counters.refusals_received.each(refusal::word::ALL).filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("too-many-streams", 1), ("busy", 2), ("other", 3)]);
    }

    #[test]
    fn every_end_of_a_connection_has_a_reason_of_the_list() {
        let codes = (0..0x200).chain([u64::MAX]);
        for (by, code) in codes.flat_map(|code| ["local", "peer", "network"].map(|by| (by, code))) {
            assert!(CLOSE_REASONS.contains(&close_reason(by, code)), "{by} {code}");
        }
    }

    #[test]
    fn a_dial_counts_with_its_code() {
        let counters = Counters::default();
        counters.dial_ended(&Ok(()));
        for code in [Code::Unreachable, Code::Internal, Code::Bind] {
            counters.dial_ended::<()>(&Err(Error::new(code, "no")));
        }
        let counted: Vec<_> = counters.failed_dials.each(&DIAL_CODES).filter(|(_, count)| *count > 0).collect();
        assert_eq!((counters.dials.get(), counted), (4, vec![("ERR_UNREACHABLE", 1), ("other", 2)]));
    }
}
