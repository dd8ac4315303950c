//! Chooses the connection for new streams: additions, removals, and the winner of two.

use tokio::time::Instant;

use super::{Action, Check, ConnectionFacts, Contest, Table, TableEntry, is_pinged, liveness_policy};
use crate::peer::liveness::Liveness;

impl Table {
    pub(super) fn add(&mut self, now: Instant, facts: ConnectionFacts, actions: &mut Vec<Action>) {
        // Usually there is one: a plain push would reserve four.
        self.connections.reserve_exact(1);
        let liveness = Liveness::new(now, liveness_policy(self.policy, facts));
        self.connections.push(TableEntry {
            facts,
            retired: false,
            check: None,
            check_again: false,
            suspect: false,
            liveness,
        });
        if !is_pinged(facts) {
            return;
        }
        let Some(old) = self.preferred.and_then(|id| self.facts(id)) else {
            self.prefer(facts.id, actions);
            return;
        };
        // The new connection restarts a pending contest.
        let challenger = self.contest.take().and_then(|contest| self.facts(contest.other(old.id)));
        let suspect = self.is_suspect(old.id);
        if old.dialled == facts.dialled {
            self.prefer(facts.id, actions);
            self.retire(old.id, actions);
            if let Some(challenger) = challenger {
                self.settle(challenger, facts, actions);
            }
            if suspect {
                self.check(old.id, Check::Successor(facts.id), actions);
            }
        } else {
            if let Some(challenger) = challenger {
                self.retire(challenger.id, actions);
            }
            self.contest = Some(Contest { old: old.id, new: facts.id });
            if suspect {
                self.prefer(facts.id, actions);
                self.check(old.id, Check::Successor(facts.id), actions);
            } else {
                actions.push(Action::Challenge(old.id));
            }
        }
    }

    pub(super) fn lost(&mut self, now: Instant, id: u64, useful: bool, permanent: bool, actions: &mut Vec<Action>) {
        let Some(at) = self.connections.iter().position(|held| held.facts.id == id) else { return };
        let held = self.connections.remove(at);
        if useful {
            self.backoff.reset();
        } else if held.facts.dialled {
            self.backoff.fail(now, (self.random)());
            self.refused |= permanent;
        }
        self.replace_preferred(now, id, actions);
    }

    /// Replaces a connection that is gone or retired: prefers another one, or dials.
    pub(super) fn replace_preferred(&mut self, now: Instant, id: u64, actions: &mut Vec<Action>) {
        let contest = self.contest.take_if(|contest| contest.old == id || contest.new == id);
        if self.preferred != Some(id) {
            return;
        }
        self.preferred = None;
        self.is_on_hold = false;
        let other = |held: &&TableEntry| held.facts.id != id && is_pinged(held.facts) && !held.retired;
        let next = contest
            .map(|contest| contest.other(id))
            .or_else(|| self.connections.iter().rev().find(other).map(|held| held.facts.id));
        if let Some(next) = next {
            self.prefer(next, actions);
        } else {
            actions.push(Action::PreferNone);
            self.dial_if_wanted(now, false, actions);
        }
    }

    /// Retires a connection whose peer accepts no further stream. Affects only dialled connections to older peers.
    pub(super) fn stalled(&mut self, now: Instant, id: u64, actions: &mut Vec<Action>) {
        let stalls =
            |held: &TableEntry| held.facts.id == id && held.facts.dialled && !held.facts.is_native && !held.retired;
        if self.connections.iter().any(stalls) {
            self.retire(id, actions);
            self.replace_preferred(now, id, actions);
        }
    }

    pub(super) fn challenged(&mut self, id: u64, answered: bool, actions: &mut Vec<Action>) {
        let Some(contest) = self.contest.take_if(|contest| contest.old == id) else { return };
        let (Some(old), Some(new)) = (self.facts(contest.old), self.facts(contest.new)) else { return };
        if answered {
            self.settle(old, new, actions);
        } else {
            self.prefer(new.id, actions);
            self.mark_retired(old.id);
            actions.push(Action::Drop(old.id));
        }
    }

    /// Decides between two live connections dialled by different sides.
    fn settle(&mut self, one: ConnectionFacts, other: ConnectionFacts, actions: &mut Vec<Action>) {
        let (winner, loser) = if one.dialled == self.smaller { (one, other) } else { (other, one) };
        if self.preferred != Some(winner.id) || self.is_on_hold {
            self.prefer(winner.id, actions);
        }
        self.retire(loser.id, actions);
    }

    pub(super) fn prefer(&mut self, id: u64, actions: &mut Vec<Action>) {
        self.preferred = Some(id);
        self.is_on_hold = false;
        self.retry_at = None;
        self.waiting.clear();
        actions.push(Action::Prefer(id));
    }

    fn retire(&mut self, id: u64, actions: &mut Vec<Action>) {
        self.mark_retired(id);
        actions.push(Action::Retire(id));
    }

    pub(super) fn mark_retired(&mut self, id: u64) {
        self.connections.iter_mut().filter(|held| held.facts.id == id).for_each(|held| held.retired = true);
    }

    pub(super) fn facts(&self, id: u64) -> Option<ConnectionFacts> {
        self.connections.iter().find(|held| held.facts.id == id).map(|held| held.facts)
    }
}
