//! Chooses the connection for new streams: additions, removals, and the winner of two.

use tokio::time::Instant;

use super::{Action, Check, Contest, Link, LinkEntry, Table, is_pinged, liveness_policy};
use crate::peer::liveness::Liveness;

impl Table {
    pub(super) fn add(&mut self, now: Instant, link: Link, actions: &mut Vec<Action>) {
        // Usually there is one: a plain push would reserve four.
        self.links.reserve_exact(1);
        let liveness = Liveness::new(now, liveness_policy(self.policy, link));
        self.links.push(LinkEntry { link, retired: false, check: None, check_again: false, suspect: false, liveness });
        if !is_pinged(link) {
            return;
        }
        let Some(old) = self.preferred.and_then(|id| self.link(id)) else {
            self.prefer(link.id, actions);
            return;
        };
        // The new connection restarts a pending contest.
        let challenger = self.contest.take().and_then(|contest| self.link(contest.other(old.id)));
        let suspect = self.is_suspect(old.id);
        if old.dialled == link.dialled {
            self.prefer(link.id, actions);
            self.retire(old.id, actions);
            if let Some(challenger) = challenger {
                self.settle(challenger, link, actions);
            }
            if suspect {
                self.check(old.id, Check::Successor(link.id), actions);
            }
        } else {
            if let Some(challenger) = challenger {
                self.retire(challenger.id, actions);
            }
            self.contest = Some(Contest { old: old.id, new: link.id });
            if suspect {
                self.prefer(link.id, actions);
                self.check(old.id, Check::Successor(link.id), actions);
            } else {
                actions.push(Action::Challenge(old.id));
            }
        }
    }

    pub(super) fn lost(&mut self, now: Instant, id: u64, useful: bool, permanent: bool, actions: &mut Vec<Action>) {
        let Some(at) = self.links.iter().position(|held| held.link.id == id) else { return };
        let held = self.links.remove(at);
        if useful {
            self.backoff.reset();
        } else if held.link.dialled {
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
        let other = |held: &&LinkEntry| held.link.id != id && is_pinged(held.link) && !held.retired;
        let next = contest
            .map(|contest| contest.other(id))
            .or_else(|| self.links.iter().rev().find(other).map(|held| held.link.id));
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
            |held: &LinkEntry| held.link.id == id && held.link.dialled && !held.link.is_native && !held.retired;
        if self.links.iter().any(stalls) {
            self.retire(id, actions);
            self.replace_preferred(now, id, actions);
        }
    }

    pub(super) fn challenged(&mut self, id: u64, answered: bool, actions: &mut Vec<Action>) {
        let Some(contest) = self.contest.take_if(|contest| contest.old == id) else { return };
        let (Some(old), Some(new)) = (self.link(contest.old), self.link(contest.new)) else { return };
        if answered {
            self.settle(old, new, actions);
        } else {
            self.prefer(new.id, actions);
            self.mark_retired(old.id);
            actions.push(Action::Drop(old.id));
        }
    }

    /// Decides between two live connections dialled by different sides.
    fn settle(&mut self, one: Link, other: Link, actions: &mut Vec<Action>) {
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
        self.links.iter_mut().filter(|held| held.link.id == id).for_each(|held| held.retired = true);
    }

    pub(super) fn link(&self, id: u64) -> Option<Link> {
        self.links.iter().find(|held| held.link.id == id).map(|held| held.link)
    }
}
