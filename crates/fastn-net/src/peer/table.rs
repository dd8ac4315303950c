//! State machine of a peer's actor: maps state and event to state and actions. Has no network, clock or randomness of its own.
//!
//! | state | event | next state | action |
//! |---|---|---|---|
//! | idle | wanted, kept | dialling | dial |
//! | idle | the same, a moment after a failure | backing off | none: the delay comes first |
//! | dialling | wanted | dialling | wait for that dial |
//! | dialling | dialled | connected | prefer it, answer all requests |
//! | dialling | dial failed, a request has retries left | backing off | fail the requests without retries |
//! | dialling | dial failed for good, or no request has retries left | idle | fail all requests |
//! | backing off | wanted | backing off | shorten the delay, if that request has seen no failure yet |
//! | backing off | a new address | dialling | dial |
//! | backing off | timer expired | dialling | dial |
//! | backing off | the last request gave up, unkept | idle | none |
//! | any but closed | inbound | connected | see "a second connection"; else prefer it, answer all requests |
//! | connected | wanted | connected | answer |
//! | connected | timer expired: too quiet | connected | ping |
//! | connected | timer expired: two misses | connected | drop it, which is then lost |
//! | connected | timer expired: unused, and we dialled it | connected | end it, unless it is used at that moment |
//! | connected | stalled, on an older ALPN where we dialled | as if it were lost | retire it |
//! | connected | ended, lost (the last) | idle, or as from idle when kept | prefer none |
//! | idle | timer expired: idle for long enough | idle | forget the peer, unless it is held elsewhere |
//! | connected | a new address | connected | check it; callers wait for the outcome |
//! | connected | an ack is late | connected | check it |
//! | connected | checked: it answered | connected | prefer it, answer all requests |
//! | connected | checked for a late ack: no answer | connected | dial beside it |
//! | connected | checked for a new address: no answer | as if it were lost | drop it |
//! | any | shutdown | closed | fail all requests |
//! | closed | wanted | closed | fail |
//! | closed | inbound, dialled | closed | drop it |
//!
//! A second connection on `/fastn-net/1` appears. Same dialler: the newest wins, because the dialler had a reason to redial.
//! Different diallers: a ping challenges the old connection. If it does not answer, it is dropped. If it answers, the connection
//! dialled by the smaller key wins, which both sides compute alike. On older ALPNs only a connection that we dialled is ever
//! preferred or pinged.
//!
//! A restarted peer is recognized only when it answers a new connection. So a short silence does not drop a suspect connection.
//! The peer is dialled beside it. The old connection is dropped only if the new one answers and the old one does not. A paused
//! peer answers on neither, and loses nothing. An address given by the caller is dialled instead of the old connection, because
//! QUIC sends every packet to a peer over its known path. The old connection gets more time to answer first. Connections on an
//! older protocol are not checked.
//!
//! Older peers take the streams of a connection one by one, and a refused or ignored stream ends that loop. Such a connection
//! that we dialled gets no new streams. Its running streams continue, and the next stream goes over another connection.
//!
//! A connection that ended without use (no stream byte, and a short life) counts as a failed dial. This prevents a redial loop
//! with a peer that accepts and closes.

mod choice;
mod event;
mod suspects;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tokio::time::Instant;

pub(crate) use self::event::{Action, ConnectionFacts, Event, Policy};
use super::{
    Check, PeerState,
    backoff::Backoff,
    liveness::{Health, Liveness, LivenessPolicy},
};
use crate::{connection::TrafficSnapshot, deadline::after};

/// State of one peer.
#[expect(clippy::struct_excessive_bools, reason = "the state is made of them, and said by `state`")]
pub(crate) struct Table {
    /// Our key is smaller than the peer's, as raw bytes.
    smaller: bool,
    policy: Policy,
    /// Returns a number from 0 to 1.
    random: Box<dyn FnMut() -> f64 + Send>,
    connections: Vec<TableEntry>,
    preferred: Option<u64>,
    /// The preferred connection is being checked. Requests wait for the result.
    is_on_hold: bool,
    contest: Option<Contest>,
    dialling: bool,
    closed: bool,
    backoff: Backoff,
    retry_at: Option<Instant>,
    /// Requests that wait for a connection, with their retries left; `None` for no limit.
    waiting: BTreeMap<u64, Option<u32>>,
    kept: usize,
    /// The peer refused permanently: `keep` alone does not redial.
    refused: bool,
    idle_since: Instant,
}

struct TableEntry {
    facts: ConnectionFacts,
    /// It accepts no new stream.
    retired: bool,
    /// The check in progress.
    check: Option<Check>,
    /// An acknowledgement became late during a check.
    check_again: bool,
    /// It did not answer a check for a late ack. The peer is being dialled beside it.
    suspect: bool,
    liveness: Liveness,
}

/// Two connections by different diallers. The old one is being pinged. It is the preferred one, unless it was suspect.
#[derive(Clone, Copy, Debug)]
struct Contest {
    old: u64,
    new: u64,
}

impl Contest {
    /// The other one of the two.
    fn other(self, id: u64) -> u64 {
        if self.new == id { self.old } else { self.new }
    }
}

impl Table {
    pub(crate) fn new(
        smaller: bool,
        policy: Policy,
        now: Instant,
        random: impl FnMut() -> f64 + Send + 'static,
    ) -> Self {
        Self {
            smaller,
            policy,
            random: Box::new(random),
            connections: Vec::new(),
            preferred: None,
            is_on_hold: false,
            contest: None,
            dialling: false,
            closed: false,
            backoff: Backoff::new(&policy.connect),
            retry_at: None,
            waiting: BTreeMap::new(),
            kept: 0,
            refused: false,
            idle_since: now,
        }
    }

    pub(crate) fn state(&self) -> PeerState {
        match (self.closed, self.preferred, self.dialling, self.retry_at) {
            (true, ..) => PeerState::Closed,
            (_, Some(_), ..) => PeerState::Connected,
            (_, _, true, _) => PeerState::Dialling,
            (.., Some(_)) => PeerState::BackingOff,
            _ => PeerState::Idle,
        }
    }

    /// The connection for new streams.
    pub(crate) fn preferred(&self) -> Option<u64> {
        self.preferred
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.backoff.failures()
    }

    pub(crate) fn next_retry(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept > 0
    }

    /// Number of handles that keep the peer connected.
    pub(crate) fn keeps(&self) -> usize {
        self.kept
    }

    /// When [`Event::Time`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let samples =
            self.connections.iter().filter(|held| is_pinged(held.facts)).map(|held| held.liveness.sample_at());
        let forget = self.is_idle().then(|| after(self.idle_since, self.policy.idle_timeout));
        samples.chain(self.retry_at).chain(forget).min()
    }

    /// The connections to sample now.
    pub(crate) fn due(&self, now: Instant) -> Vec<u64> {
        let due = |held: &&TableEntry| is_pinged(held.facts) && held.liveness.sample_at() <= now;
        self.connections.iter().filter(due).map(|held| held.facts.id).collect()
    }

    pub(crate) fn on(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match (self.state(), event) {
            (PeerState::Closed, Event::Wanted { request, .. }) => actions.push(Action::Fail(request)),
            (PeerState::Closed, Event::Inbound(facts) | Event::Dialled(facts)) => actions.push(Action::Drop(facts.id)),
            (PeerState::Closed, _) => {}
            (_, Event::Shutdown) => {
                self.closed = true;
                self.retry_at = None;
                actions.push(Action::PreferNone);
                self.fail_all(&mut actions);
            }
            (state, Event::Wanted { request, retries, first_attempt }) => {
                self.waiting.insert(request, retries);
                match self.preferred {
                    // The result of the check answers it.
                    Some(_) if self.is_on_hold => {}
                    Some(id) => self.prefer(id, &mut actions),
                    None => self.dial_if_wanted(now, first_attempt && state != PeerState::Dialling, &mut actions),
                }
            }
            (_, Event::Unwanted(request)) => {
                self.waiting.remove(&request);
            }
            (_, Event::Kept) => {
                self.kept += 1;
                self.refused = false;
                self.dial_if_wanted(now, true, &mut actions);
            }
            (_, Event::Unkept) => self.kept = self.kept.saturating_sub(1),
            (_, Event::AddressAdded) => {
                self.refused = false;
                match self.preferred {
                    Some(id) => self.check_address(id, &mut actions),
                    None if self.is_wanted() && !self.dialling => self.dial(&mut actions),
                    None => {}
                }
            }
            (_, Event::Dialled(facts)) => {
                self.dialling = false;
                self.refused = false;
                self.add(now, facts, &mut actions);
            }
            (_, Event::DialFailed { permanent }) => {
                self.dialling = false;
                if self.preferred.is_none() {
                    self.fail(now, permanent, &mut actions);
                } else {
                    self.extra_dial_failed(now, &mut actions);
                }
            }
            (_, Event::Inbound(facts)) => self.add(now, facts, &mut actions),
            (_, Event::Lost { id, useful, permanent }) => self.lost(now, id, useful, permanent, &mut actions),
            (_, Event::Ended(id)) => {
                self.mark_retired(id);
                self.replace_preferred(now, id, &mut actions);
            }
            (_, Event::Activated(id, seen)) => self.with(id, |liveness| liveness.activate(now, seen)),
            (_, Event::Pinged(id, seen)) => self.with(id, |liveness| liveness.answer(now, seen)),
            (_, Event::Stalled(id)) => self.stalled(now, id, &mut actions),
            (_, Event::Challenged { id, answered }) => self.challenged(id, answered, &mut actions),
            (_, Event::AckLate(id)) => self.ack_late(id, &mut actions),
            (_, Event::Checked { id, check, answered }) => {
                self.checked(now, id, check, answered, &mut actions);
            }
            (_, Event::Time(samples)) => self.time(now, &samples, &mut actions),
        }
        if !self.is_wanted() {
            self.retry_at = None;
        }
        if !self.is_idle() {
            self.idle_since = now;
        }
        actions
    }

    fn time(&mut self, now: Instant, samples: &[(u64, TrafficSnapshot)], actions: &mut Vec<Action>) {
        let kept = self.is_kept();
        for (id, seen) in samples {
            let Some(held) = self.connections.iter_mut().find(|held| held.facts.id == *id) else { continue };
            let policy = liveness_policy(self.policy, held.facts);
            // The retire task closes a retired connection.
            let policy = LivenessPolicy { may_end: policy.may_end && !held.retired, ..policy };
            match held.liveness.sample(now, *seen, kept && !held.retired, policy) {
                Health::Ping => actions.push(Action::Ping(*id)),
                Health::Unused => actions.push(Action::End(*id)),
                Health::Dead => self.abandon(now, *id, actions),
                Health::Fine => {}
            }
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            if self.is_wanted() {
                self.dial(actions);
            }
        }
        if self.is_idle() && after(self.idle_since, self.policy.idle_timeout) <= now {
            self.idle_since = now;
            actions.push(Action::Forget);
        }
    }

    /// Dials, or schedules a dial, if a connection is wanted and there is none.
    fn dial_if_wanted(&mut self, now: Instant, first_attempt: bool, actions: &mut Vec<Action>) {
        if self.preferred.is_some() || self.dialling {
            return;
        }
        if !self.is_wanted() {
            return;
        }
        let at = self.backoff.next(now, first_attempt);
        if at <= now {
            self.dial(actions);
        } else {
            self.retry_at = Some(self.retry_at.map_or(at, |sooner| sooner.min(at)));
        }
    }

    fn dial(&mut self, actions: &mut Vec<Action>) {
        self.retry_at = None;
        self.dialling = true;
        actions.push(Action::Dial);
    }

    /// Handles a failed dial. Requests with retries left keep waiting.
    fn fail(&mut self, now: Instant, permanent: bool, actions: &mut Vec<Action>) {
        self.backoff.fail(now, (self.random)());
        self.refused |= permanent;
        self.waiting.retain(|request, retries| {
            let again = !permanent && *retries != Some(0);
            *retries = retries.map(|left| left.saturating_sub(1));
            if !again {
                actions.push(Action::Fail(*request));
            }
            again
        });
        self.dial_if_wanted(now, false, actions);
    }

    fn fail_all(&mut self, actions: &mut Vec<Action>) {
        actions.extend(std::mem::take(&mut self.waiting).into_keys().map(Action::Fail));
    }

    fn with(&mut self, id: u64, tell: impl FnOnce(&mut Liveness)) {
        if let Some(held) = self.connections.iter_mut().find(|held| held.facts.id == id) {
            tell(&mut held.liveness);
        }
    }

    /// Whether a request waits for a connection, or the peer is kept connected.
    fn is_wanted(&self) -> bool {
        !self.waiting.is_empty() || (self.is_kept() && !self.refused)
    }

    /// No connection, no dial, no request, and not kept.
    fn is_idle(&self) -> bool {
        self.connections.is_empty() && !self.dialling && self.waiting.is_empty() && !self.is_kept()
    }
}

/// Whether we may open streams on it, and so prefer and ping it.
fn is_pinged(facts: ConnectionFacts) -> bool {
    facts.is_native || facts.dialled
}

fn liveness_policy(policy: Policy, facts: ConnectionFacts) -> LivenessPolicy {
    LivenessPolicy { ping_timeout: policy.ping_timeout, idle_timeout: policy.idle_timeout, may_end: facts.dialled }
}
