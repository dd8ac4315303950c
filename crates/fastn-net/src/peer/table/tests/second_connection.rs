//! A second connection of the pair, and connections that fall silent or idle.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_newest_of_one_dialler_wins() {
    let mut table = Timed::new(true);
    table.on(Event::Inbound(native(1, false)));
    assert_eq!(table.on(Event::Inbound(native(2, false))), [Action::Prefer(2), Action::Retire(1)]);
}

#[tokio::test(start_paused = true)]
async fn simultaneous_dials_settle_on_that_of_the_smaller_key_on_both_sides() {
    for (smaller, kept) in [(true, 1), (false, 2)] {
        // We dialled connection 1, the peer dialled 2. They appear in either order.
        for first_ours in [true, false] {
            let mut table = Timed::new(smaller);
            table.want();
            let (first, second) = if first_ours { (1, 2) } else { (2, 1) };
            let connect = |id| if id == 1 { Event::Dialled(native(1, true)) } else { Event::Inbound(native(2, false)) };
            table.on(connect(first));
            assert_eq!(table.on(connect(second)), [Action::Challenge(first)]);
            table.on(Event::Challenged { id: first, answered: true });
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
    let missed = table.on(Event::Challenged { id: 1, answered: false });
    assert_eq!(missed, [Action::Prefer(2), Action::Drop(1)]);
}

#[tokio::test(start_paused = true)]
async fn losing_the_old_one_ends_the_contest() {
    let mut table = Timed::new(true);
    table.on(Event::Inbound(native(1, false)));
    table.on(Event::AddressAdded);
    table.on(Event::Dialled(native(2, true)));
    assert_eq!(table.on(lost(1)), [Action::Prefer(2)]);
    assert_eq!(table.on(Event::Challenged { id: 1, answered: false }), []);
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
