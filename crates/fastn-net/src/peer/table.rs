//! What a peer's actor does: state and event to state and actions. No network, no clock.
//!
//! | state | event | what happens |
//! |---|---|---|
//! | idle | wanted | dial |
//! | dialling | wanted | wait for that dial |
//! | dialling | dialled | connected: prefer it, answer everyone |
//! | dialling | dial failed | idle: fail everyone |
//! | any | inbound | see "a second connection" below, or connected |
//! | connected | wanted | answer |
//! | connected | lost (the last) | idle |
//! | any | shutdown | closed: fail everyone |
//!
//! A second connection on `/fastn-net/1` appears. Same dialler: the newest wins, for the dialler knows why it
//! dialled again. Different diallers: the old one is pinged. If it does not answer it is dropped; if it does, the
//! one dialled by the smaller key wins, which both sides find alike. On older ALPNs only a connection that we
//! dialled is ever preferred.

use super::PeerState;

/// One peer's table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Our key is smaller than the peer's, as raw bytes.
    smaller: bool,
    links: Vec<Link>,
    /// Those of the links that take no new stream any more.
    retired: Vec<u64>,
    preferred: Option<u64>,
    contest: Option<Contest>,
    dialling: bool,
    closed: bool,
}

/// What the table knows of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) id: u64,
    /// We made it.
    pub(crate) dialled: bool,
    /// It speaks `/fastn-net/1`.
    pub(crate) own: bool,
}

/// Two connections by different diallers; the old one is being pinged.
#[derive(Clone, Copy, Debug)]
struct Contest {
    old: u64,
    new: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Wanted,
    Dialled(Link),
    DialFailed,
    Inbound(Link),
    Lost(u64),
    Pinged { id: u64, answered: bool },
    Shutdown,
}

/// What to do about it, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Dial,
    /// Ping it, and say whether it answered within max(3 RTT, 1 s).
    Ping(u64),
    /// New streams go here from now on; whoever waits gets it.
    Prefer(u64),
    /// There is nothing to open streams on.
    PreferNone,
    /// No new stream here; whoever dialled it closes it when it is empty.
    Retire(u64),
    /// It does not answer: close it.
    Drop(u64),
    /// Whoever waits gets the dial's error, or "closed".
    Fail,
}

impl Table {
    pub(crate) fn new(smaller: bool) -> Self {
        Self {
            smaller,
            links: Vec::new(),
            retired: Vec::new(),
            preferred: None,
            contest: None,
            dialling: false,
            closed: false,
        }
    }

    /// Nothing is held and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.links.is_empty() && !self.dialling
    }

    pub(crate) fn state(&self) -> PeerState {
        match (self.closed, self.preferred, self.dialling) {
            (true, _, _) => PeerState::Closed,
            (_, Some(_), _) => PeerState::Connected,
            (_, None, true) => PeerState::Dialling,
            (_, None, false) => PeerState::Idle,
        }
    }

    pub(crate) fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Shutdown => {
                self.closed = true;
                actions.extend([Action::PreferNone, Action::Fail]);
            }
            Event::Wanted if self.closed => actions.push(Action::Fail),
            Event::Wanted => match self.preferred {
                Some(id) => actions.push(Action::Prefer(id)),
                None if !self.dialling => {
                    self.dialling = true;
                    actions.push(Action::Dial);
                }
                None => {}
            },
            Event::Dialled(link) => {
                self.dialling = false;
                self.appear(link, &mut actions);
            }
            Event::DialFailed => {
                self.dialling = false;
                if self.preferred.is_none() {
                    actions.push(Action::Fail);
                }
            }
            Event::Inbound(link) => self.appear(link, &mut actions),
            Event::Lost(id) => self.lost(id, &mut actions),
            Event::Pinged { id, answered } => self.pinged(id, answered, &mut actions),
        }
        actions
    }

    fn appear(&mut self, link: Link, actions: &mut Vec<Action>) {
        if self.closed {
            actions.push(Action::Drop(link.id));
            return;
        }
        self.links.push(link);
        if !link.own && !link.dialled {
            return;
        }
        let Some(old) = self.preferred.and_then(|id| self.link(id)) else {
            self.prefer(link.id, actions);
            return;
        };
        // Whatever was being settled is settled anew with the newcomer.
        let challenger = self.contest.take().and_then(|contest| self.link(contest.new));
        let same_dialler = |other: Link| other.dialled == link.dialled;
        if same_dialler(old) {
            self.prefer(link.id, actions);
            self.retire(old.id, actions);
            if let Some(challenger) = challenger {
                self.settle(challenger, link, actions);
            }
        } else {
            if let Some(challenger) = challenger {
                self.retire(challenger.id, actions);
            }
            self.contest = Some(Contest { old: old.id, new: link.id });
            actions.push(Action::Ping(old.id));
        }
    }

    fn lost(&mut self, id: u64, actions: &mut Vec<Action>) {
        self.links.retain(|link| link.id != id);
        self.retired.retain(|retired| *retired != id);
        let contest = self.contest.take_if(|contest| contest.old == id || contest.new == id);
        if self.preferred != Some(id) {
            return;
        }
        self.preferred = None;
        let next = contest
            .map(|contest| contest.new)
            .or_else(|| self.links.iter().rev().find(|link| self.is_usable(**link)).map(|link| link.id));
        match next {
            Some(next) => self.prefer(next, actions),
            None => actions.push(Action::PreferNone),
        }
    }

    fn pinged(&mut self, id: u64, answered: bool, actions: &mut Vec<Action>) {
        let Some(contest) = self.contest.take_if(|contest| contest.old == id) else { return };
        let (Some(old), Some(new)) = (self.link(contest.old), self.link(contest.new)) else { return };
        if answered {
            self.settle(old, new, actions);
        } else {
            self.prefer(new.id, actions);
            self.retired.push(old.id);
            actions.push(Action::Drop(old.id));
        }
    }

    /// Both are alive and were dialled by different sides.
    fn settle(&mut self, one: Link, other: Link, actions: &mut Vec<Action>) {
        let (winner, loser) = if one.dialled == self.smaller { (one, other) } else { (other, one) };
        if self.preferred != Some(winner.id) {
            self.prefer(winner.id, actions);
        }
        self.retire(loser.id, actions);
    }

    fn prefer(&mut self, id: u64, actions: &mut Vec<Action>) {
        self.preferred = Some(id);
        actions.push(Action::Prefer(id));
    }

    fn retire(&mut self, id: u64, actions: &mut Vec<Action>) {
        self.retired.push(id);
        actions.push(Action::Retire(id));
    }

    fn is_usable(&self, link: Link) -> bool {
        (link.own || link.dialled) && !self.retired.contains(&link.id)
    }

    fn link(&self, id: u64) -> Option<Link> {
        self.links.iter().copied().find(|link| link.id == id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn own(id: u64, dialled: bool) -> Link {
        Link { id, dialled, own: true }
    }

    #[test]
    fn concurrent_requests_share_one_dial() {
        let mut table = Table::new(true);
        assert_eq!(table.on(Event::Wanted), [Action::Dial]);
        assert_eq!(table.on(Event::Wanted), []);
        assert_eq!(table.on(Event::Dialled(own(1, true))), [Action::Prefer(1)]);
        assert_eq!(table.on(Event::Wanted), [Action::Prefer(1)]);
    }

    #[test]
    fn an_inbound_connection_is_used_for_our_streams_too() {
        let mut table = Table::new(true);
        assert_eq!(table.on(Event::Inbound(own(1, false))), [Action::Prefer(1)]);
        assert_eq!(table.on(Event::Wanted), [Action::Prefer(1)]);
    }

    #[test]
    fn an_older_peers_inbound_connection_is_not() {
        let mut table = Table::new(true);
        assert_eq!(table.on(Event::Inbound(Link { id: 1, dialled: false, own: false })), []);
        assert_eq!(table.on(Event::Wanted), [Action::Dial]);
    }

    #[test]
    fn the_newest_of_one_dialler_wins() {
        let mut table = Table::new(true);
        table.on(Event::Inbound(own(1, false)));
        assert_eq!(table.on(Event::Inbound(own(2, false))), [Action::Prefer(2), Action::Retire(1)]);
    }

    #[test]
    fn simultaneous_dials_settle_on_the_smaller_keys_on_both_sides() {
        for (smaller, kept) in [(true, 1), (false, 2)] {
            // Ours is 1, the peer's is 2, in either order.
            for first_ours in [true, false] {
                let mut table = Table::new(smaller);
                table.on(Event::Wanted);
                let (first, second) = if first_ours { (1, 2) } else { (2, 1) };
                let appear = |id| if id == 1 { Event::Dialled(own(1, true)) } else { Event::Inbound(own(2, false)) };
                table.on(appear(first));
                assert_eq!(table.on(appear(second)), [Action::Ping(first)]);
                table.on(Event::Pinged { id: first, answered: true });
                assert_eq!(table.preferred, Some(kept));
            }
        }
    }

    #[test]
    fn a_silent_old_connection_is_dropped() {
        let mut table = Table::new(true);
        table.on(Event::Wanted);
        table.on(Event::Dialled(own(1, true)));
        assert_eq!(table.on(Event::Inbound(own(2, false))), [Action::Ping(1)]);
        let missed = table.on(Event::Pinged { id: 1, answered: false });
        assert_eq!(missed, [Action::Prefer(2), Action::Drop(1)]);
    }

    #[test]
    fn losing_the_old_one_ends_the_contest() {
        let mut table = Table::new(true);
        table.on(Event::Inbound(own(1, false)));
        table.on(Event::Wanted);
        table.on(Event::Dialled(own(2, true)));
        assert_eq!(table.on(Event::Lost(1)), [Action::Prefer(2)]);
        assert_eq!(table.on(Event::Pinged { id: 1, answered: false }), []);
    }

    #[test]
    fn a_failed_dial_fails_the_waiting_unless_the_peer_came_to_us() {
        let mut table = Table::new(true);
        table.on(Event::Wanted);
        assert_eq!(table.on(Event::DialFailed), [Action::Fail]);
        table.on(Event::Wanted);
        assert_eq!(table.on(Event::Inbound(own(1, false))), [Action::Prefer(1)]);
        assert_eq!(table.on(Event::DialFailed), []);
    }

    proptest! {
        #[test]
        fn whatever_happens_the_preferred_connection_is_a_live_one(
            smaller: bool,
            events in prop::collection::vec((0u8..6, any::<bool>(), any::<bool>(), 0usize..8), 0..64),
        ) {
            let mut table = Table::new(smaller);
            let mut live: Vec<Link> = Vec::new();
            let mut next = 1;
            for (kind, flag, own, at) in events {
                let pick = live.get(at % live.len().max(1)).map_or(0, |link| link.id);
                let event = match kind {
                    0 => Event::Wanted,
                    1 if table.dialling => {
                        next += 1;
                        live.push(Link { id: next, dialled: true, own });
                        Event::Dialled(live[live.len() - 1])
                    }
                    2 if table.dialling => Event::DialFailed,
                    3 => {
                        next += 1;
                        live.push(Link { id: next, dialled: false, own });
                        Event::Inbound(live[live.len() - 1])
                    }
                    4 => {
                        live.retain(|link| link.id != pick);
                        Event::Lost(pick)
                    }
                    _ => Event::Pinged { id: pick, answered: flag },
                };
                let waiting = matches!(event, Event::Wanted);
                let actions = table.on(event);
                for action in &actions {
                    if let Action::Prefer(id) = action {
                        prop_assert!(live.iter().any(|link| link.id == *id && (link.own || link.dialled)));
                    }
                }
                // A request is answered now, or a dial is under way that will.
                prop_assert!(!waiting || table.dialling || actions.iter().any(|a| matches!(a, Action::Prefer(_))));
                let usable = live.iter().any(|link| table.is_usable(*link));
                prop_assert_eq!(table.preferred.is_some(), usable);
            }
        }
    }
}
