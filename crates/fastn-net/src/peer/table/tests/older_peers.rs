//! Connections on an older ALPN.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_older_peers_inbound_connection_is_neither_used_nor_sampled() {
    let mut table = Timed::new(true);
    assert_eq!(table.on(Event::Inbound(older(1, false))), []);
    assert_eq!(table.table.deadline(), None);
    assert_eq!(table.want(), [Action::Dial]);
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
async fn a_retired_connection_is_not_ended_for_idleness_and_its_streams_continue() {
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
    for facts in [native(1, true), native(1, false), older(1, false)] {
        let mut table = Timed::new(true);
        table.on(if facts.dialled { Event::Dialled(facts) } else { Event::Inbound(facts) });
        let before = table.table.preferred;
        assert_eq!(table.on(Event::Stalled(1)), []);
        assert_eq!(table.table.preferred, before);
    }
}

#[tokio::test(start_paused = true)]
async fn older_peers_connections_are_not_checked() {
    let mut table = Timed::new(true);
    table.want();
    table.on(Event::Dialled(older(1, true)));
    assert_eq!(table.on(Event::AddressAdded), []);
    assert_eq!(table.on(Event::AckLate(1)), []);
}
