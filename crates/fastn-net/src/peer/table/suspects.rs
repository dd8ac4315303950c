//! Suspect connections: checked at once, and replaced if dead.

use tokio::time::Instant;

use super::{Action, Check, Table, TableEntry};

impl Table {
    /// Checks a connection after a new address was added, because the peer may have moved. Requests wait for the result.
    pub(super) fn check_address(&mut self, id: u64, actions: &mut Vec<Action>) {
        if self.held(id).is_some_and(|held| held.facts.is_native && held.check != Some(Check::Address)) {
            self.is_on_hold = true;
            actions.push(Action::PreferNone);
            self.check(id, Check::Address, actions);
        }
    }

    pub(super) fn ack_late(&mut self, id: u64, actions: &mut Vec<Action>) {
        let Some(held) = self.held(id).filter(|held| held.facts.is_native) else { return };
        if held.check.is_some() || held.suspect {
            held.check_again = true;
        } else {
            self.check(id, Check::LateAck, actions);
        }
    }

    /// Begins a check. Replaces a check in progress.
    pub(super) fn check(&mut self, id: u64, check: Check, actions: &mut Vec<Action>) {
        if let Some(held) = self.held(id) {
            held.check = Some(check);
            held.check_again = false;
            actions.push(Action::Check(id, check));
        }
    }

    pub(super) fn checked(&mut self, now: Instant, id: u64, check: Check, answered: bool, actions: &mut Vec<Action>) {
        let Some(held) = self.held(id).filter(|held| held.check == Some(check)) else { return };
        held.check = None;
        if answered {
            held.suspect = false;
            let again = std::mem::take(&mut held.check_again);
            self.answered(id, actions);
            if again {
                self.check(id, Check::LateAck, actions);
            }
        } else if check == Check::LateAck {
            self.unanswered(now, id, actions);
        } else {
            self.abandon(now, id, actions);
        }
    }

    fn answered(&mut self, id: u64, actions: &mut Vec<Action>) {
        if self.contest.is_some_and(|contest| contest.old == id) {
            self.challenged(id, true, actions);
        } else if self.is_on_hold && self.preferred == Some(id) {
            self.prefer(id, actions);
        }
    }

    /// Dials beside a connection that did not answer a short check, which alone is not enough to drop it.
    fn unanswered(&mut self, now: Instant, id: u64, actions: &mut Vec<Action>) {
        match self.preferred {
            Some(successor) if successor != id => self.check(id, Check::Successor(successor), actions),
            Some(_) if self.dialling || self.backoff.next(now, true) <= now => {
                if let Some(held) = self.held(id) {
                    held.suspect = true;
                }
                if !self.dialling {
                    self.dial(actions);
                }
            }
            _ => {}
        }
    }

    /// Handles a dial that failed while a connection was suspect. Checks the connection again if another ack became late.
    pub(super) fn extra_dial_failed(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let Some(held) = self.connections.iter_mut().find(|held| held.suspect) else { return };
        held.suspect = false;
        let (id, again) = (held.facts.id, held.check.is_none() && std::mem::take(&mut held.check_again));
        self.backoff.fail(now, (self.random)());
        if again {
            self.check(id, Check::LateAck, actions);
        }
    }

    pub(super) fn is_suspect(&self, id: u64) -> bool {
        self.connections.iter().any(|held| held.facts.id == id && held.suspect)
    }

    /// Drops a connection that does not answer. New streams go elsewhere.
    pub(super) fn abandon(&mut self, now: Instant, id: u64, actions: &mut Vec<Action>) {
        self.mark_retired(id);
        actions.push(Action::Drop(id));
        self.replace_preferred(now, id, actions);
    }

    fn held(&mut self, id: u64) -> Option<&mut TableEntry> {
        self.connections.iter_mut().find(|held| held.facts.id == id)
    }
}
