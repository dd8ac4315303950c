use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::Connect;

const POLICY: Policy = Policy {
    connect: Connect {
        retries: None,
        min_delay: Duration::from_millis(100),
        max_delay: Duration::from_secs(30),
        attempt_timeout: Duration::from_secs(10),
    },
    idle_timeout: Duration::from_mins(1),
    ping_timeout: Duration::from_secs(5),
};

/// A table on paused time. Every delay is its upper bound.
struct Timed {
    table: Table,
    requests: u64,
}

impl Timed {
    fn new(smaller: bool) -> Self {
        Self { table: Table::new(smaller, POLICY, Instant::now(), || 1.0), requests: 0 }
    }

    fn on(&mut self, event: Event) -> Vec<Action> {
        self.table.on(Instant::now(), event)
    }

    fn want(&mut self) -> Vec<Action> {
        self.want_with(None, true)
    }

    fn want_with(&mut self, retries: Option<u32>, first_attempt: bool) -> Vec<Action> {
        self.requests += 1;
        self.on(Event::Wanted { request: self.requests, retries, first_attempt })
    }

    /// Sleeps until the next deadline. Returns how long that was, and the actions.
    async fn next(&mut self, seen: TrafficSnapshot) -> (Duration, Vec<Action>) {
        let (start, at) = (Instant::now(), self.table.deadline().expect("a deadline"));
        tokio::time::sleep_until(at).await;
        let samples = self.table.due(Instant::now()).into_iter().map(|id| (id, seen)).collect();
        (start.elapsed(), self.on(Event::Time(samples)))
    }
}

fn native(id: u64, dialled: bool) -> Link {
    Link { id, dialled, is_native: true }
}

fn lost(link: u64) -> Event {
    Event::Lost { link, useful: true, permanent: false }
}

const FAILED: Event = Event::DialFailed { permanent: false };

#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_dial() {
    let mut table = Timed::new(true);
    assert_eq!(table.want(), [Action::Dial]);
    assert_eq!(table.want(), []);
    assert_eq!(table.on(Event::Dialled(native(1, true))), [Action::Prefer(1)]);
    assert_eq!(table.want(), [Action::Prefer(1)]);
    assert_eq!(table.table.state(), PeerState::Connected);
}

#[tokio::test(start_paused = true)]
async fn an_inbound_connection_is_used_for_our_streams_too() {
    let mut table = Timed::new(true);
    assert_eq!(table.on(Event::Inbound(native(1, false))), [Action::Prefer(1)]);
    assert_eq!(table.want(), [Action::Prefer(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_older_peers_inbound_connection_is_not_used_and_not_looked_at() {
    let mut table = Timed::new(true);
    assert_eq!(table.on(Event::Inbound(older(1, false))), []);
    assert_eq!(table.table.deadline(), None);
    assert_eq!(table.want(), [Action::Dial]);
}

#[tokio::test(start_paused = true)]
async fn the_newest_of_one_dialler_wins() {
    let mut table = Timed::new(true);
    table.on(Event::Inbound(native(1, false)));
    assert_eq!(table.on(Event::Inbound(native(2, false))), [Action::Prefer(2), Action::Retire(1)]);
}

#[tokio::test(start_paused = true)]
async fn simultaneous_dials_settle_on_the_smaller_keys_on_both_sides() {
    for (smaller, kept) in [(true, 1), (false, 2)] {
        // We dialled connection 1, the peer dialled 2. They appear in either order.
        for first_ours in [true, false] {
            let mut table = Timed::new(smaller);
            table.want();
            let (first, second) = if first_ours { (1, 2) } else { (2, 1) };
            let connect = |id| if id == 1 { Event::Dialled(native(1, true)) } else { Event::Inbound(native(2, false)) };
            table.on(connect(first));
            assert_eq!(table.on(connect(second)), [Action::Challenge(first)]);
            table.on(Event::Challenged { link: first, answered: true });
            assert_eq!(table.table.preferred, Some(kept));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_old_connection_is_dropped() {
    let mut table = Timed::new(true);
    table.want();
    table.on(Event::Dialled(native(1, true)));
    assert_eq!(table.on(Event::Inbound(native(2, false))), [Action::Challenge(1)]);
    let missed = table.on(Event::Challenged { link: 1, answered: false });
    assert_eq!(missed, [Action::Prefer(2), Action::Drop(1)]);
}

#[tokio::test(start_paused = true)]
async fn losing_the_old_one_ends_the_contest() {
    let mut table = Timed::new(true);
    table.on(Event::Inbound(native(1, false)));
    table.on(Event::AddressAdded);
    table.on(Event::Dialled(native(2, true)));
    assert_eq!(table.on(lost(1)), [Action::Prefer(2)]);
    assert_eq!(table.on(Event::Challenged { link: 1, answered: false }), []);
}

#[tokio::test(start_paused = true)]
async fn dials_back_off_while_a_request_waits() {
    let mut table = Timed::new(true);
    assert_eq!(table.want(), [Action::Dial]);
    for delay in [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000] {
        assert_eq!(table.on(FAILED), []);
        assert_eq!(table.table.state(), PeerState::BackingOff);
        assert_eq!(table.next(TrafficSnapshot::default()).await, (Duration::from_millis(delay), vec![Action::Dial]));
    }
    table.on(FAILED);
    table.on(Event::Unwanted(1));
    assert_eq!(table.table.state(), PeerState::Idle);
    // Without a request, nothing is dialled, and the peer is forgotten in the end.
    assert_eq!(table.next(TrafficSnapshot::default()).await.1, [Action::Forget]);
}

#[tokio::test(start_paused = true)]
async fn a_new_request_dials_once_without_the_whole_backoff() {
    let mut table = Timed::new(true);
    table.want();
    for _ in 0..12 {
        table.on(FAILED);
        table.next(TrafficSnapshot::default()).await;
    }
    table.on(FAILED);
    // A request that has failed before waits for the backoff.
    table.want_with(None, false);
    assert_eq!(table.table.deadline(), Some(Instant::now() + POLICY.connect.max_delay));
    table.want();
    assert_eq!(table.next(TrafficSnapshot::default()).await, (POLICY.connect.min_delay, vec![Action::Dial]));
    table.on(FAILED);
    assert_eq!(table.on(Event::AddressAdded), [Action::Dial]);
}

#[tokio::test(start_paused = true)]
async fn retries_are_counted_for_each_request() {
    let mut table = Timed::new(true);
    table.want_with(Some(0), true);
    table.want_with(Some(1), true);
    table.want();
    assert_eq!(table.on(FAILED), [Action::Fail(1)]);
    table.next(TrafficSnapshot::default()).await;
    assert_eq!(table.on(FAILED), [Action::Fail(2)]);
    table.next(TrafficSnapshot::default()).await;
    assert_eq!(table.on(Event::DialFailed { permanent: true }), [Action::Fail(3)]);
    assert_eq!(table.table.state(), PeerState::Idle);
}

#[tokio::test(start_paused = true)]
async fn the_waiting_are_answered_when_the_peer_comes_to_us() {
    let mut table = Timed::new(true);
    table.want();
    table.on(FAILED);
    assert_eq!(table.on(Event::Inbound(native(1, false))), [Action::Prefer(1)]);
    assert_eq!(table.table.next_retry(), None);
    table.on(lost(1));
    table.want();
    assert_eq!(table.on(Event::Inbound(native(2, false))), [Action::Prefer(2)]);
    assert_eq!(table.on(FAILED), []);
}

#[tokio::test(start_paused = true)]
async fn a_kept_peer_comes_back_and_a_refusal_ends_that() {
    let mut table = Timed::new(true);
    assert_eq!(table.on(Event::Kept), [Action::Dial]);
    table.on(Event::Dialled(native(1, true)));
    assert_eq!(table.on(lost(1)), [Action::PreferNone, Action::Dial]);
    table.on(FAILED);
    assert_eq!(table.next(TrafficSnapshot::default()).await.1, [Action::Dial]);
    assert_eq!(table.on(Event::DialFailed { permanent: true }), []);
    assert_eq!((table.table.state(), table.table.deadline()), (PeerState::Idle, None));
    // A new request dials for all waiting ones.
    table.want();
    table.next(TrafficSnapshot::default()).await;
    table.on(Event::Dialled(native(2, true)));
    assert_eq!(table.on(lost(2)), [Action::PreferNone, Action::Dial]);
    table.on(FAILED);
    table.on(Event::Unkept);
    assert_eq!(table.table.state(), PeerState::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_accepts_and_closes_is_not_dialled_in_a_circle() {
    let mut table = Timed::new(true);
    table.on(Event::Kept);
    for delay in [100, 200, 400] {
        table.on(Event::Dialled(native(delay, true)));
        assert_eq!(table.on(Event::Lost { link: delay, useful: false, permanent: false }), [Action::PreferNone]);
        assert_eq!(table.next(TrafficSnapshot::default()).await, (Duration::from_millis(delay), vec![Action::Dial]));
    }
}

#[tokio::test(start_paused = true)]
async fn the_dialler_closes_an_unused_connection() {
    for dialled in [true, false] {
        let mut table = Timed::new(true);
        table.on(if dialled { Event::Dialled(native(1, true)) } else { Event::Inbound(native(1, false)) });
        let (start, mut ended, mut received) = (Instant::now(), false, 0);
        while start.elapsed() < POLICY.idle_timeout * 3 && !ended {
            received += 1;
            let seen = TrafficSnapshot { received, ..TrafficSnapshot::default() };
            let (_, actions) = table.next(seen).await;
            table.on(Event::Pinged(1, seen));
            ended = actions == [Action::End(1)];
        }
        assert_eq!(ended, dialled);
        if dialled {
            assert_eq!(start.elapsed(), POLICY.idle_timeout);
            assert_eq!(table.on(Event::Ended(1)), [Action::PreferNone]);
            // A request at the same moment gets a new connection.
            assert_eq!(table.want(), [Action::Dial]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_in_use_is_dropped_and_replaced() {
    let mut table = Timed::new(true);
    table.on(Event::Kept);
    table.on(Event::Dialled(native(1, true)));
    let silent = TrafficSnapshot { active: 1, ..TrafficSnapshot::default() };
    table.on(Event::Activated(1, silent));
    let mut all = Vec::new();
    while all.last() != Some(&Action::Dial) {
        all.extend(table.next(silent).await.1);
    }
    assert_eq!(all, [Action::Ping(1), Action::Drop(1), Action::PreferNone, Action::Dial]);
}

fn older(id: u64, dialled: bool) -> Link {
    Link { id, dialled, is_native: false }
}

#[tokio::test(start_paused = true)]
async fn an_older_peers_stalled_connection_is_retired_and_the_next_stream_dials_anew() {
    let mut table = Timed::new(true);
    table.want();
    table.on(Event::Dialled(older(1, true)));
    assert_eq!(table.on(Event::Stalled(1)), [Action::Retire(1), Action::PreferNone]);
    assert_eq!(table.table.state(), PeerState::Idle);
    assert_eq!(table.want(), [Action::Dial]);
    assert_eq!(table.on(Event::Dialled(older(2, true))), [Action::Prefer(2)]);
    // Later events of the retired connection are ignored.
    assert_eq!(table.on(Event::Stalled(1)), []);
    assert_eq!(table.on(lost(1)), []);
    assert_eq!(table.table.preferred, Some(2));
    // A kept peer is redialled without a request.
    table.on(Event::Kept);
    assert_eq!(table.on(Event::Stalled(2)), [Action::Retire(2), Action::PreferNone, Action::Dial]);
}

#[tokio::test(start_paused = true)]
async fn a_retired_connection_is_not_ended_for_idleness_and_its_streams_go_on() {
    let mut table = Timed::new(true);
    table.on(Event::Dialled(older(1, true)));
    table.on(Event::Stalled(1));
    let start = Instant::now();
    let mut received = 0;
    while start.elapsed() < POLICY.idle_timeout * 3 {
        received += 1;
        let (_, actions) = table.next(TrafficSnapshot { received, ..TrafficSnapshot::default() }).await;
        assert!(actions.iter().all(|action| *action == Action::Ping(1)), "{actions:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_an_older_peers_connection_that_we_dialled_stalls() {
    for link in [native(1, true), native(1, false), older(1, false)] {
        let mut table = Timed::new(true);
        table.on(if link.dialled { Event::Dialled(link) } else { Event::Inbound(link) });
        let before = table.table.preferred;
        assert_eq!(table.on(Event::Stalled(1)), []);
        assert_eq!(table.table.preferred, before);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_behind_a_shutdown() {
    let mut table = Timed::new(true);
    table.want();
    table.on(Event::Kept);
    assert_eq!(table.on(Event::Shutdown), [Action::PreferNone, Action::Fail(1)]);
    assert_eq!((table.table.state(), table.table.deadline()), (PeerState::Closed, None));
    assert_eq!(table.want(), [Action::Fail(2)]);
    assert_eq!(table.on(Event::Dialled(native(1, true))), [Action::Drop(1)]);
    assert_eq!(table.on(Event::Inbound(native(2, false))), [Action::Drop(2)]);
    assert_eq!(table.on(FAILED), []);
}

/// A table with one dialled connection.
fn connected() -> Timed {
    let mut table = Timed::new(true);
    table.want();
    table.on(Event::Dialled(native(1, true)));
    table
}

fn checked(link: u64, check: Check, answered: bool) -> Event {
    Event::Checked { link, check, answered }
}

#[tokio::test(start_paused = true)]
async fn a_new_address_is_dialled_once_the_old_connection_does_not_answer() {
    let mut table = connected();
    assert_eq!(table.on(Event::AddressAdded), [Action::PreferNone, Action::Check(1, Check::Address)]);
    // Requests wait meanwhile, and a second address changes nothing.
    assert_eq!(table.want(), []);
    assert_eq!(table.on(Event::AddressAdded), []);
    let gone = table.on(checked(1, Check::Address, false));
    assert_eq!(gone, [Action::Drop(1), Action::PreferNone, Action::Dial]);
    assert_eq!(table.on(Event::Dialled(native(2, true))), [Action::Prefer(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_new_address_of_a_peer_that_answers_is_not_dialled() {
    let mut table = connected();
    table.on(Event::AddressAdded);
    table.want();
    assert_eq!(table.on(checked(1, Check::Address, true)), [Action::Prefer(1)]);
    assert_eq!(table.want(), [Action::Prefer(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_late_ack_dials_beside_a_silent_connection_and_only_an_answer_there_ends_it() {
    let mut table = connected();
    assert_eq!(table.on(Event::AckLate(1)), [Action::Check(1, Check::LateAck)]);
    assert_eq!(table.on(checked(1, Check::LateAck, false)), [Action::Dial]);
    assert_eq!(table.table.preferred(), Some(1), "it may be a pause");
    let appeared = table.on(Event::Dialled(native(2, true)));
    assert_eq!(appeared, [Action::Prefer(2), Action::Retire(1), Action::Check(1, Check::Successor(2))]);
    assert_eq!(table.on(checked(1, Check::Successor(2), false)), [Action::Drop(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_late_ack_of_a_peer_that_answers_changes_nothing() {
    let mut table = connected();
    table.on(Event::AckLate(1));
    assert_eq!(table.on(checked(1, Check::LateAck, true)), []);
    // An ack that became late meanwhile may begin a silence.
    table.on(Event::AckLate(1));
    assert_eq!(table.on(Event::AckLate(1)), []);
    assert_eq!(table.on(checked(1, Check::LateAck, true)), [Action::Check(1, Check::LateAck)]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_peer_loses_nothing_to_late_acks() {
    let mut table = connected();
    for _ in 0..10 {
        assert_eq!(table.on(Event::AckLate(1)), [Action::Check(1, Check::LateAck)]);
        assert_eq!(table.on(checked(1, Check::LateAck, false)), [Action::Dial]);
        // Further acks are late, and the dial fails: the connection is checked again.
        assert_eq!(table.on(Event::AckLate(1)), []);
        assert_eq!(table.on(FAILED), [Action::Check(1, Check::LateAck)]);
        assert_eq!(table.on(checked(1, Check::LateAck, false)), [], "the delay comes first");
        tokio::time::sleep(POLICY.connect.max_delay).await;
    }
    assert_eq!(table.table.preferred(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_silent_inbound_connection_is_replaced_by_a_dialled_one() {
    for smaller in [true, false] {
        let mut table = Timed::new(smaller);
        table.on(Event::Inbound(native(1, false)));
        table.on(Event::AckLate(1));
        table.on(checked(1, Check::LateAck, false));
        let appeared = table.on(Event::Dialled(native(2, true)));
        assert_eq!(appeared, [Action::Prefer(2), Action::Check(1, Check::Successor(2))]);
        // It answers after all: the contest is settled as usual.
        table.on(checked(1, Check::Successor(2), smaller));
        assert_eq!(table.table.preferred(), Some(2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_ack_on_a_replaced_connection_ends_it_if_only_the_other_one_answers() {
    let mut table = Timed::new(true);
    table.on(Event::Inbound(native(1, false)));
    table.on(Event::Inbound(native(2, false)));
    table.on(Event::AckLate(1));
    assert_eq!(table.on(checked(1, Check::LateAck, false)), [Action::Check(1, Check::Successor(2))]);
    assert_eq!(table.on(checked(1, Check::Successor(2), true)), []);
    table.on(Event::AckLate(1));
    table.on(checked(1, Check::LateAck, false));
    assert_eq!(table.on(checked(1, Check::Successor(2), false)), [Action::Drop(1)]);
}

#[tokio::test(start_paused = true)]
async fn older_peers_connections_are_not_checked() {
    let mut table = Timed::new(true);
    table.want();
    table.on(Event::Dialled(older(1, true)));
    assert_eq!(table.on(Event::AddressAdded), []);
    assert_eq!(table.on(Event::AckLate(1)), []);
}

/// The environment of a table, as a property test models it.
#[derive(Default)]
struct World {
    live: Vec<Link>,
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
        let pick = self.live.get(at % self.live.len().max(1)).map_or(0, |link| link.id);
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
                self.live.push(Link { id, dialled: true, is_native: own });
                Event::Dialled(Link { id, dialled: true, is_native: own })
            }
            8 | 9 if self.dialling => {
                self.dialling = false;
                Event::DialFailed { permanent: flag && own }
            }
            10 => {
                self.live.push(Link { id, dialled: false, is_native: own });
                Event::Inbound(Link { id, dialled: false, is_native: own })
            }
            11 | 12 => {
                self.live.retain(|link| link.id != pick);
                Event::Lost { link: pick, useful: flag, permanent: own }
            }
            13 => Event::Challenged { link: pick, answered: flag },
            21 | 22 => Event::Stalled(pick),
            23..=25 => Event::AckLate(pick),
            26..=28 if !self.checks.is_empty() => {
                let (link, check) = self.checks.remove(at % self.checks.len());
                Event::Checked { link, check, answered: flag }
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
                        prop_assert!(world.live.iter().any(|link| link.id == id && (link.is_native || link.dialled)));
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
                        prop_assert!(world.live.iter().any(|link| link.id == id && link.is_native));
                        world.checks.push((id, check));
                    }
                    Action::Forget => prop_assert!(world.live.is_empty() && world.waiting.is_empty() && world.kept == 0),
                    Action::Ping(_) | Action::Challenge(_) | Action::PreferNone | Action::End(_) => {}
                }
            }
            // No request is lost: an unanswered one waits for a dial in progress or a scheduled one.
            prop_assert!(table.waiting.keys().eq(world.waiting.iter()));
            let checked = |held: &LinkEntry| held.check.is_some_and(|check| world.checks.contains(&(held.link.id, check)));
            prop_assert!(table.links.iter().all(|held| held.check.is_none() || checked(held)));
            if table.is_on_hold {
                let held = table.links.iter().find(|held| Some(held.link.id) == table.preferred);
                prop_assert!(held.is_some_and(checked) || table.contest.is_some());
            }
            prop_assert!(world.waiting.is_empty() || world.dialling || table.retry_at.is_some() || table.is_on_hold);
            prop_assert_eq!(table.dialling && table.state() != PeerState::Closed, world.dialling && table.state() != PeerState::Closed);
            // A connection is preferred while one accepts new streams.
            let usable = |link: &&Link| is_pinged(**link) && !world.retired.contains(&link.id);
            if table.state() != PeerState::Closed {
                prop_assert_eq!(table.preferred.is_some(), world.live.iter().find(usable).is_some());
                prop_assert_eq!(table.links.len(), world.live.len());
                let fresh_links = world.live.iter().filter(usable).count();
                prop_assert!(fresh_links <= 2, "two at most, while they are settled");
                prop_assert!(fresh_links < 2 || table.contest.is_some());
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
