//! Why dials of a peer failed, for the error of a request that tried several times.

use std::{fmt::Write, time::Instant};

/// Limit of remembered reasons.
const MAX: usize = 4;

/// Why dials of a peer failed since its last connection was established: each reason once, the newest last. Bounded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures(Vec<Reason>);

#[derive(Clone, Debug)]
struct Reason {
    text: String,
    times: u32,
    /// The last time.
    at: Instant,
}

impl Failures {
    pub(crate) fn add(&mut self, text: &str, at: Instant) {
        let known = self.0.iter().position(|reason| reason.text == text).map(|index| self.0.remove(index));
        if known.is_none() && self.0.len() == MAX {
            self.0.remove(0);
        }
        let times = known.map_or(0, |reason| reason.times);
        self.0.push(Reason { text: text.to_owned(), times: times.saturating_add(1), at });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The reasons since `started`, except the last one, which the error already contains: `; before that: … (3 times)`.
    pub(crate) fn earlier(&self, started: Instant) -> String {
        let mut text = String::new();
        let earlier = self.0.split_last().map_or(&[][..], |(_, earlier)| earlier);
        for (index, reason) in earlier.iter().rev().filter(|reason| reason.at >= started).enumerate() {
            let lead = if index == 0 { "; before that: " } else { "; " };
            let times = if reason.times == 1 { String::new() } else { format!(" ({} times)", reason.times) };
            let _ = write!(text, "{lead}{}{times}", reason.text);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_reason_is_listed_once_and_the_last_only_in_the_error() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        assert_eq!(failures.earlier(start), "");
        for text in ["no answer", "no answer", "another key", "refused"] {
            failures.add(text, start);
        }
        assert_eq!(failures.earlier(start), "; before that: another key; no answer (2 times)");
        failures.add("no answer", start);
        assert_eq!(failures.earlier(start), "; before that: refused; another key");
        assert_eq!(failures.earlier(start + Duration::from_secs(1)), "");
        failures.clear();
        assert_eq!(failures.earlier(start), "");
    }

    #[test]
    fn the_reasons_are_bounded() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        for number in 0..100 {
            failures.add(&number.to_string(), start);
        }
        assert_eq!(failures.earlier(start), "; before that: 98; 97; 96");
    }
}
