//! Liveness and idleness of a connection, sampled by the peer's actor.
//!
//! The byte path reports nothing to the actor. The actor samples counters that QUIC keeps anyway. The number of streams and
//! guards in use tells whether a request waits. A stream that waits for its acknowledgement or for a byte counts. One extra
//! sample of a stream that waits for nothing is cheap.

use std::time::Duration;

use tokio::time::Instant;

use crate::{connection::TrafficSnapshot, deadline::after};

/// While a request waits: silence before a ping, and time for a ping's answer.
pub(crate) const WAITING_INTERVAL: Duration = Duration::from_secs(3);

/// While a request waits: time between two samples. A byte may arrive right after a sample, so silence counts from the sample before it.
/// Half of [`WAITING_INTERVAL`] is short enough to notice the end of the silence in time.
const SAMPLE_INTERVAL: Duration = WAITING_INTERVAL.checked_div(2).expect("not by 0");

/// While nothing waits: time between two pings.
pub(crate) const UNUSED_INTERVAL: Duration = Duration::from_secs(12);

/// A later sample says nothing about the peer: this process was suspended.
const MAX_OVERSLEEP: Duration = Duration::from_secs(1);

/// Consecutive unanswered pings of a dead connection.
const MAX_MISSES: u8 = 2;

/// Result of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Healthy.
    Fine,
    /// Too quiet: ping it now.
    Ping,
    /// It does not answer pings.
    Dead,
    /// Unused for the idle timeout.
    Unused,
}

/// Liveness of one connection.
#[derive(Debug)]
pub(crate) struct Liveness {
    sample_at: Instant,
    last: TrafficSnapshot,
    last_at: Instant,
    /// No byte is known to have arrived later.
    quiet_since: Instant,
    /// Time of the unanswered ping.
    pinged: Option<Instant>,
    /// When the next miss counts, while a ping is unanswered.
    miss_at: Instant,
    misses: u8,
    unused_since: Option<Instant>,
}

/// Constant inputs of [`Liveness`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct LivenessPolicy {
    /// Time for a ping's answer, while nothing waits.
    pub(crate) ping_timeout: Duration,
    /// Time without use until [`Health::Unused`].
    pub(crate) idle_timeout: Duration,
    /// Whether this side closes the connection when unused.
    pub(crate) may_end: bool,
}

impl Liveness {
    /// Liveness of a new, unused connection.
    pub(crate) fn new(now: Instant, policy: LivenessPolicy) -> Self {
        let first = if policy.may_end { UNUSED_INTERVAL.min(policy.idle_timeout) } else { UNUSED_INTERVAL };
        Self {
            sample_at: after(now, first),
            last: TrafficSnapshot::default(),
            last_at: now,
            quiet_since: now,
            pinged: None,
            miss_at: now,
            misses: 0,
            unused_since: Some(now),
        }
    }

    /// Time of the next sample.
    pub(crate) fn sample_at(&self) -> Instant {
        self.sample_at
    }

    /// Records the first use of an unused connection.
    pub(crate) fn activate(&mut self, now: Instant, seen: TrafficSnapshot) {
        self.record(now, seen);
        self.unused_since = None;
        // Requests that begin now wait for a later answer.
        self.quiet_since = now;
        self.miss_at = self.miss_at.min(after(now, WAITING_INTERVAL));
        self.sample_at = self.sample_at.min(after(now, SAMPLE_INTERVAL));
    }

    /// Records the answer to a ping.
    pub(crate) fn answer(&mut self, now: Instant, seen: TrafficSnapshot) {
        self.misses = 0;
        // The ping does not count as traffic: the next ping stays on schedule.
        (self.last, self.last_at, self.quiet_since) = (seen, now, now);
        if let Some(pinged) = self.pinged.take() {
            let next =
                if self.unused_since.is_some() { after(pinged, UNUSED_INTERVAL) } else { after(now, SAMPLE_INTERVAL) };
            self.sample_at = next.max(now);
        }
    }

    /// Takes a sample. `kept`: the peer is kept connected.
    pub(crate) fn sample(&mut self, now: Instant, seen: TrafficSnapshot, kept: bool, policy: LivenessPolicy) -> Health {
        let overslept = now > after(self.sample_at, MAX_OVERSLEEP);
        let waited = kept || seen.active > 0;
        let busy = seen.traffic != self.last.traffic;
        let heard = self.record(now, seen);
        self.unused_since = if waited { None } else { self.unused_since.or(Some(now)) };
        let unused_until = self.unused_since.map(|since| after(since, policy.idle_timeout)).filter(|_| policy.may_end);
        if unused_until.is_some_and(|until| now >= until) {
            // A use may begin at this moment: sample again.
            self.sample_at = after(now, WAITING_INTERVAL);
            return Health::Unused;
        }
        let answer_limit = if waited { WAITING_INTERVAL } else { policy.ping_timeout };
        let awaits = self.pinged.is_some();
        if awaits && (overslept || now >= self.miss_at) {
            self.misses += u8::from(!overslept);
            if self.misses >= MAX_MISSES {
                return Health::Dead;
            }
            self.miss_at = after(now, answer_limit);
        }
        let silent = !heard && now >= after(self.quiet_since, WAITING_INTERVAL);
        let quiet = if waited { silent } else { !busy || !heard };
        let ping = quiet && !awaits;
        if ping {
            self.pinged = Some(now);
            self.miss_at = after(now, answer_limit);
        }
        let next = match (waited, awaits || ping) {
            (true, true) => self.miss_at.min(after(now, SAMPLE_INTERVAL)),
            (true, false) => after(now, SAMPLE_INTERVAL),
            (false, true) => self.miss_at.max(now),
            (false, false) => after(now, UNUSED_INTERVAL),
        };
        self.sample_at = unused_until.map_or(next, |until| until.min(next));
        if ping { Health::Ping } else { Health::Fine }
    }

    /// Whether a byte arrived since the last sample.
    fn record(&mut self, now: Instant, seen: TrafficSnapshot) -> bool {
        let heard = seen.received != self.last.received;
        if heard {
            self.quiet_since = self.last_at;
            self.pinged = None;
            self.misses = 0;
        }
        (self.last, self.last_at) = (seen, now);
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: LivenessPolicy =
        LivenessPolicy { ping_timeout: Duration::from_secs(5), idle_timeout: Duration::from_mins(1), may_end: true };

    /// Samples whenever due, for so many seconds. `see` is the snapshot at each second. Returns the findings with their times.
    fn findings(seconds: u64, kept: bool, see: impl Fn(u64) -> TrafficSnapshot, answers: bool) -> Vec<(u64, Health)> {
        let start = Instant::now();
        let mut liveness = Liveness::new(start, POLICY);
        let mut found = Vec::new();
        liveness.last = see(0);
        if see(0).active > 0 {
            liveness.activate(start, see(0));
        }
        loop {
            let now = liveness.sample_at();
            let at = (now - start).as_secs();
            if at > seconds {
                return found;
            }
            let finding = liveness.sample(now, see(at), kept, POLICY);
            if finding != Health::Fine {
                found.push((at, finding));
            }
            match finding {
                Health::Dead | Health::Unused => return found,
                Health::Ping if answers => {
                    liveness.answer(now, TrafficSnapshot { received: see(at).received + 1, ..see(at) });
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_silent_peer_is_dead_after_two_misses() {
        let silent = |_| TrafficSnapshot { active: 1, ..TrafficSnapshot::default() };
        assert_eq!(findings(60, false, silent, false), [(3, Health::Ping), (9, Health::Dead)]);
        let kept = findings(60, true, |_| TrafficSnapshot::default(), false);
        assert_eq!(kept, [(12, Health::Ping), (18, Health::Dead)]);
        let unused = findings(60, false, |_| TrafficSnapshot::default(), false);
        assert_eq!(unused, [(12, Health::Ping), (22, Health::Dead)]);
    }

    /// Samples whenever due. The last byte arrives `last` after the first use, at the start; nothing answers.
    fn time_of_death(last: Duration) -> Duration {
        let start = Instant::now();
        let see = |at: Instant| TrafficSnapshot {
            received: u64::try_from((at - start).min(last).as_millis()).expect("small"),
            active: 1,
            ..TrafficSnapshot::default()
        };
        let mut liveness = Liveness::new(start, POLICY);
        liveness.activate(start, see(start));
        loop {
            let now = liveness.sample_at();
            if liveness.sample(now, see(now), false, POLICY) == Health::Dead {
                return now - start;
            }
        }
    }

    #[test]
    fn a_peer_is_dead_nine_seconds_after_its_last_byte() {
        for millis in (0..12_000).step_by(50) {
            let last = Duration::from_millis(millis);
            let (dead, limit) = (time_of_death(last), last + WAITING_INTERVAL * 3);
            assert!(dead <= limit && limit <= dead + SAMPLE_INTERVAL, "last byte after {last:?}, dead after {dead:?}");
        }
    }

    #[test]
    fn any_byte_is_an_answer() {
        let trickle = |at| TrafficSnapshot { received: at / 5, active: 1, ..TrafficSnapshot::default() };
        assert!(findings(600, false, trickle, false).iter().all(|(_, finding)| *finding == Health::Ping));
    }

    #[test]
    fn a_busy_connection_gets_no_ping() {
        let busy = |at| TrafficSnapshot { received: at, traffic: at, active: 3 };
        assert_eq!(findings(600, false, busy, false), []);
    }

    #[test]
    fn an_unused_connection_is_pinged_every_twelve_seconds_and_closed_after_a_minute() {
        // QUIC keeps it alive: bytes arrive, without streams.
        let alive = |at| TrafficSnapshot { received: at, ..TrafficSnapshot::default() };
        let ping = |at| (at, Health::Ping);
        assert_eq!(findings(120, false, alive, true), [ping(12), ping(24), ping(36), ping(48), (60, Health::Unused)]);
    }

    #[test]
    fn a_suspended_process_counts_no_missed_ping() {
        let (start, silent) = (Instant::now(), TrafficSnapshot { active: 1, ..TrafficSnapshot::default() });
        let mut liveness = Liveness::new(start, POLICY);
        liveness.activate(start, silent);
        let asleep = Duration::from_secs(40);
        assert_eq!(liveness.sample(start + WAITING_INTERVAL, silent, false, POLICY), Health::Ping);
        assert_eq!(liveness.sample(start + asleep, silent, false, POLICY), Health::Fine);
        assert_eq!(liveness.misses, 0);
    }
}
