//! The Prometheus text format, version 0.0.4.
//!
//! Written by hand. `prometheus-client` writes `OpenMetrics`, whose counters and end marker differ, and looks labels up in
//! locked maps. So does `iroh-metrics`, and its feature would make iroh count every packet. This file covers the part of the
//! format in use.

use std::fmt::{Display, Write};

use crate::counters::Histogram;

const PREFIX: &str = "fastn_net_";

/// Text as it grows. Names and label values are this crate's own words: none needs to be escaped.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// One gauge for each value of a label.
    pub(super) fn gauge(&mut self, name: &str, help: &str, label: &str, samples: &[(&str, u64)]) {
        self.family(name, "gauge", help, label, samples.iter().copied());
    }

    /// One counter for each value of a label.
    pub(super) fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.family(name, "counter", help, label, samples);
    }

    /// A metric without labels.
    pub(super) fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.sample(name, &[], value);
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        let mut count = 0;
        for (bound, cumulated) in histogram.cumulated() {
            let bound = if bound.is_infinite() { "+Inf".to_owned() } else { bound.to_string() };
            self.sample(&bucket, &[("le", &bound)], cumulated);
            count = cumulated;
        }
        self.sample(&format!("{name}_sum"), &[], histogram.sum());
        self.sample(&format!("{name}_count"), &[], count);
    }

    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{PREFIX}{name}{labels} {value}");
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn family<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.head(name, kind, help);
        for (value, count) in samples {
            self.sample(name, &[(label, value)], count);
        }
    }
}
