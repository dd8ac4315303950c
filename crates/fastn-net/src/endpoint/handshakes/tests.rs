use std::task::{Context, Poll, Waker};

use iroh::endpoint::IncomingAddr;
use tokio::sync::oneshot;

use super::{
    source::{PER_ADDRESS, Source},
    *,
};

fn from(address: &str) -> Source {
    Source::of(IncomingAddr::Ip(address.parse().expect("address")))
}

fn admitted(handshakes: &Arc<Handshakes>, source: Option<&Source>, tries: usize) -> Vec<HandshakePermit> {
    let admit = |_| match handshakes.admit_from(source.cloned()) {
        Admission::Accept(permit) => Some(permit),
        Admission::Retry | Admission::Ignore => None,
    };
    (0..tries).filter_map(admit).collect()
}

fn in_flight(permits: &[HandshakePermit]) -> usize {
    permits.iter().filter(|permit| !permit.evicted.is_cancelled()).count()
}

fn release(permits: Vec<HandshakePermit>) {
    permits.into_iter().for_each(HandshakePermit::release);
}

async fn after(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn unproven_addresses_get_a_retry_above_the_watermark_and_take_no_other_slot() {
    let handshakes = Arc::default();
    let held = admitted(&handshakes, None, 10_000);
    assert_eq!(held.len(), UNVALIDATED);
    assert!(matches!(handshakes.admit_from(None), Admission::Retry));
    assert_eq!(handshakes.lock().sources.len(), 0);
    assert_eq!(admitted(&handshakes, Some(&from("192.0.2.1:1")), 1).len(), 1);
    release(held);
    // A failed handshake keeps its own slot, and no other, until QUIC forgets it.
    drop(admitted(&handshakes, None, 10_000));
    assert!(matches!(handshakes.admit_from(None), Admission::Retry));
    assert_eq!(admitted(&handshakes, Some(&from("192.0.2.1:1")), 1).len(), 1);
    after(LINGERS).await;
    assert_eq!(admitted(&handshakes, None, 10_000).len(), UNVALIDATED);
}

#[tokio::test(start_paused = true)]
async fn a_source_evicts_its_own_oldest_handshake_beyond_its_share() {
    let handshakes = Arc::default();
    let own = from("192.0.2.1:1");
    let held = admitted(&handshakes, Some(&own), 10_000);
    assert_eq!((held.len(), in_flight(&held)), (PER_ADDRESS, PER_ADDRESS), "a burst evicts nothing");
    after(UNDISTURBED).await;
    let more = admitted(&handshakes, Some(&own), 10);
    assert_eq!((in_flight(&more), in_flight(&held), in_flight(&held[..10])), (10, PER_ADDRESS - 10, 0));
    // The same source, mapped into IPv6.
    admitted(&handshakes, Some(&from("[::ffff:192.0.2.1]:9")), 1);
    assert!(held[10].evicted.is_cancelled());
    let network = admitted(&handshakes, Some(&from("[2001:db8::1]:1")), PER_ADDRESS);
    after(UNDISTURBED).await;
    let same = admitted(&handshakes, Some(&from("[2001:db8::2:0:0:2]:1")), 1);
    let other = admitted(&handshakes, Some(&from("[2001:db8:0:1::1]:1")), 1);
    assert_eq!((in_flight(&network), in_flight(&same), in_flight(&other)), (PER_ADDRESS - 1, 1, 1));
    // It is ignored once too many of its handshakes linger.
    for _ in 0..10 {
        drop(admitted(&handshakes, Some(&own), 10_000));
    }
    assert!(matches!(handshakes.admit_from(Some(own)), Admission::Ignore));
    assert_eq!(admitted(&handshakes, Some(&from("192.0.2.2:1")), 1).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_handshake_evicts_from_the_source_that_has_the_most_and_the_oldest_of_equals() {
    let handshakes = Arc::default();
    let honest = admitted(&handshakes, Some(&from("192.0.2.1:1")), 1);
    let sources: Vec<Source> = (0..VALIDATED - 3).map(|n| from(&format!("10.0.{}.{}:1", n / 250, n % 250))).collect();
    let ones: Vec<HandshakePermit> = sources.iter().flat_map(|source| admitted(&handshakes, Some(source), 1)).collect();
    let two = admitted(&handshakes, Some(&from("192.0.2.2:1")), 2);
    assert_eq!(handshakes.lock().validated, VALIDATED);
    assert!(matches!(handshakes.admit_from(Some(from("192.0.2.3:1"))), Admission::Ignore), "all began just now");
    after(UNDISTURBED).await;
    let newcomer = admitted(&handshakes, Some(&from("192.0.2.3:1")), 1);
    assert_eq!((in_flight(&two), in_flight(&honest), in_flight(&ones)), (1, 1, ones.len()));
    assert!(two[0].evicted.is_cancelled());
    let another = admitted(&handshakes, Some(&from("192.0.2.4:1")), 1);
    assert_eq!((in_flight(&honest), in_flight(&newcomer), in_flight(&another)), (0, 1, 1));
    assert_eq!(handshakes.lock().validated, VALIDATED);
}

#[tokio::test(start_paused = true)]
async fn an_evicted_handshake_that_is_complete_by_then_stays() {
    let handshakes = Arc::default();
    let own = from("192.0.2.1:1");
    let held = admitted(&handshakes, Some(&own), PER_ADDRESS);
    let mut cx = Context::from_waker(Waker::noop());
    let begin = |permit| {
        let (complete, completed) = oneshot::channel();
        let mut handshake = Box::pin(HandshakePermit::unless_evicted(permit, completed));
        assert!(handshake.as_mut().poll(&mut cx).is_pending());
        (complete, handshake)
    };
    let started: Vec<_> = held.iter().map(begin).collect();
    after(UNDISTURBED).await;
    assert_eq!(admitted(&handshakes, Some(&own), PER_ADDRESS).len(), PER_ADDRESS);
    for (at, (complete, mut handshake)) in started.into_iter().enumerate() {
        let is_complete = at.is_multiple_of(2);
        if is_complete {
            complete.send(()).expect("in flight");
        }
        let Poll::Ready(stays) = handshake.as_mut().poll(&mut cx) else { panic!("handshake {at} is in flight") };
        assert_eq!(stays, is_complete.then_some(Ok(())), "handshake {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_are_bounded_and_the_last_slots_are_for_sources_without_failures() {
    let handshakes = Arc::default();
    let kept = |handshakes: &Arc<Handshakes>| {
        let state = handshakes.lock();
        state.validated + state.lingering_validated
    };
    // Each source's handshakes fail at once, repeatedly.
    for round in 0..100 {
        for n in 0..200 {
            drop(admitted(&handshakes, Some(&from(&format!("10.0.0.{n}:{}", round + 1))), 1));
        }
    }
    assert_eq!(kept(&handshakes), LINGERING_OF_REPEATERS);
    let honest = admitted(&handshakes, Some(&from("192.0.2.1:1")), 1);
    assert_eq!(honest.len(), 1);
    release(honest);
    let mut held = Vec::new();
    for n in 0..60_000 {
        if n % 1000 == 0 {
            after(UNDISTURBED / 40).await;
        }
        held.extend(admitted(&handshakes, Some(&from(&format!("10.1.{}.{}:1", n / 250, n % 250))), 1));
    }
    assert_eq!(kept(&handshakes), VALIDATED + LINGERING);
    after(LINGERS).await;
    assert_eq!(admitted(&handshakes, Some(&from("192.0.2.1:1")), 1).len(), 1);
    release(held);
    after(LINGERS).await;
    admitted(&handshakes, None, 1);
    let state = handshakes.lock();
    assert_eq!((state.validated, state.lingering_validated, state.sources.len()), (0, 0, 0));
}
