//! Invariants that hold for any order of events.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// The environment of a table, as a property test models it.
#[derive(Default)]
struct World {
    live: Vec<ConnectionFacts>,
    retired: Vec<u64>,
    /// Unanswered requests.
    waiting: Vec<u64>,
    next: u64,
    dialling: bool,
    kept: usize,
    /// Checks in progress. Some were replaced.
    checks: Vec<(u64, Check)>,
}

impl World {
    fn event(&mut self, kind: u8, flag: bool, own: bool, at: usize, table: &Table, now: Instant) -> Option<Event> {
        self.next += 1;
        let id = self.next;
        let pick = self.live.get(at % self.live.len().max(1)).map_or(0, |facts| facts.id);
        let seen = TrafficSnapshot { received: u64::from(flag) * id, traffic: u64::from(own) * id, active: at % 3 };
        Some(match kind {
            0 | 1 => {
                self.waiting.push(id);
                Event::Wanted { request: id, retries: u32::try_from(at).ok().filter(|at| *at < 3), first_attempt: flag }
            }
            2 => {
                Event::Unwanted(if self.waiting.is_empty() { 0 } else { self.waiting.remove(at % self.waiting.len()) })
            }
            3 => {
                self.kept += 1;
                Event::Kept
            }
            4 if self.kept > 0 => {
                self.kept -= 1;
                Event::Unkept
            }
            5 => Event::AddressAdded,
            6 | 7 if self.dialling => {
                self.dialling = false;
                self.live.push(ConnectionFacts { id, dialled: true, is_native: own });
                Event::Dialled(ConnectionFacts { id, dialled: true, is_native: own })
            }
            8 | 9 if self.dialling => {
                self.dialling = false;
                Event::DialFailed { permanent: flag && own }
            }
            10 => {
                self.live.push(ConnectionFacts { id, dialled: false, is_native: own });
                Event::Inbound(ConnectionFacts { id, dialled: false, is_native: own })
            }
            11 | 12 => {
                self.live.retain(|facts| facts.id != pick);
                Event::Lost { id: pick, useful: flag, permanent: own }
            }
            13 => Event::Challenged { id: pick, answered: flag },
            21 | 22 => Event::Stalled(pick),
            23..=25 => Event::AckLate(pick),
            26..=28 if !self.checks.is_empty() => {
                let (id, check) = self.checks.remove(at % self.checks.len());
                Event::Checked { id, check, answered: flag }
            }
            14 => Event::Activated(pick, seen),
            15 => Event::Pinged(pick, seen),
            16..=19 => Event::Time(table.due(now).into_iter().map(|id| (id, seen)).collect()),
            20 if at == 7 && flag && own => Event::Shutdown,
            _ => return None,
        })
    }
}

proptest! {
    #[test]
    fn invariants_hold_for_any_order_of_events(
        smaller: bool,
        random in 0.0..=1.0_f64,
        events in prop::collection::vec((0u8..29, any::<bool>(), any::<bool>(), 0usize..8, 0u64..20_000), 0..200),
    ) {
        let mut now = Instant::now();
        let mut table = Table::new(smaller, POLICY, now, move || random);
        let mut world = World::default();
        for (kind, flag, own, at, wait) in events {
            // Time passes up to the next deadline, or for a moment.
            let due = table.deadline().map_or(now, |due| due.max(now));
            now = if (16..=19).contains(&kind) { due } else { due.min(now + Duration::from_millis(wait)) };
            let Some(event) = world.event(kind, flag, own, at, &table, now) else { continue };
            let ended = matches!(event, Event::Shutdown);
            let mut actions = table.on(now, event);
            if let Some(Action::End(id)) = actions.iter().find(|action| matches!(action, Action::End(_))).copied() {
                world.retired.push(id);
                actions.extend(table.on(now, Event::Ended(id)));
            }
            for action in actions {
                match action {
                    Action::Dial => {
                        prop_assert!(!world.dialling, "two dials at once");
                        world.dialling = true;
                    }
                    Action::Prefer(id) => {
                        prop_assert!(world.live.iter().any(|facts| facts.id == id && (facts.is_native || facts.dialled)));
                        prop_assert!(!world.retired.contains(&id), "a connection that takes nothing new");
                        world.waiting.clear();
                    }
                    Action::Fail(request) => {
                        let place = world.waiting.iter().position(|waiting| *waiting == request);
                        prop_assert!(place.is_some(), "answered twice, or never asked");
                        world.waiting.remove(place.unwrap_or_default());
                    }
                    Action::Retire(id) | Action::Drop(id) => world.retired.push(id),
                    Action::Check(id, check) => {
                        prop_assert!(world.live.iter().any(|facts| facts.id == id && facts.is_native));
                        world.checks.push((id, check));
                    }
                    Action::Forget => prop_assert!(world.live.is_empty() && world.waiting.is_empty() && world.kept == 0),
                    Action::Ping(_) | Action::Challenge(_) | Action::PreferNone | Action::End(_) => {}
                }
            }
            // No request is lost: an unanswered one waits for a dial in progress or a scheduled one.
            prop_assert!(table.waiting.keys().eq(world.waiting.iter()));
            let checked = |held: &TableEntry| held.check.is_some_and(|check| world.checks.contains(&(held.facts.id, check)));
            prop_assert!(table.connections.iter().all(|held| held.check.is_none() || checked(held)));
            if table.is_on_hold {
                let held = table.connections.iter().find(|held| Some(held.facts.id) == table.preferred);
                prop_assert!(held.is_some_and(checked) || table.contest.is_some());
            }
            prop_assert!(world.waiting.is_empty() || world.dialling || table.retry_at.is_some() || table.is_on_hold);
            prop_assert_eq!(table.dialling && table.state() != PeerState::Closed, world.dialling && table.state() != PeerState::Closed);
            // A connection is preferred while one accepts new streams.
            let usable = |facts: &&ConnectionFacts| is_pinged(**facts) && !world.retired.contains(&facts.id);
            if table.state() != PeerState::Closed {
                prop_assert_eq!(table.preferred.is_some(), world.live.iter().find(usable).is_some());
                prop_assert_eq!(table.connections.len(), world.live.len());
                let usable_count = world.live.iter().filter(usable).count();
                prop_assert!(usable_count <= 2, "two at most, while they are settled");
                prop_assert!(usable_count < 2 || table.contest.is_some());
            }
            if let Some(at) = table.retry_at {
                prop_assert!(at <= now + POLICY.connect.max_delay);
                prop_assert!(table.is_wanted() && table.preferred.is_none());
            }
            if ended {
                prop_assert!(world.waiting.is_empty() && table.deadline().is_none());
                world.live.clear();
                return Ok(());
            }
        }
    }
}
