//! Checks of a connection: a new address, or a late ack.

use super::*;

/// A table with one dialled connection.
fn connected() -> Timed {
    let mut table = Timed::new(true);
    table.want();
    table.on(Event::Dialled(native(1, true)));
    table
}

fn checked(id: u64, check: Check, answered: bool) -> Event {
    Event::Checked { id, check, answered }
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
