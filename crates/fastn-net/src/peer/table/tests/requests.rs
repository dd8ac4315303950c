//! Requests, dials and backoff.

use std::time::Duration;

use super::*;

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
async fn waiting_requests_are_answered_by_an_inbound_connection() {
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
async fn a_kept_peer_is_redialled_until_it_refuses() {
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
async fn a_peer_that_accepts_and_closes_is_not_dialled_in_a_loop() {
    let mut table = Timed::new(true);
    table.on(Event::Kept);
    for delay in [100, 200, 400] {
        table.on(Event::Dialled(native(delay, true)));
        assert_eq!(table.on(Event::Lost { id: delay, useful: false, permanent: false }), [Action::PreferNone]);
        assert_eq!(table.next(TrafficSnapshot::default()).await, (Duration::from_millis(delay), vec![Action::Dial]));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_after_a_shutdown() {
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
