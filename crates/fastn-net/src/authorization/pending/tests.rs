use std::{
    future::{Future, poll_fn},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{
    IfFull::{Refuse, Wait},
    *,
};
use crate::identity::SecretKey;

const RULES: Authorize =
    Authorize { peer: true, stream: true, timeout: Duration::from_secs(5), max_pending: 3, max_pending_per_peer: 2 };

fn key() -> PublicKey {
    SecretKey::generate().public()
}

fn take(requests: &AuthorizationRequests) -> Vec<AuthorizationRequest> {
    match requests.poll_take(&mut Context::from_waker(Waker::noop()), 9) {
        Poll::Ready(taken) => taken.expect("open"),
        Poll::Pending => Vec::new(),
    }
}

async fn begun<F: Future<Output = Verdict>>(request: F) -> std::pin::Pin<Box<F>> {
    let mut request = Box::pin(request);
    assert!(poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx))).await.is_pending());
    request
}

#[tokio::test(start_paused = true)]
async fn each_request_gets_its_own_answer() {
    let pending = PendingAuthorizations::new(RULES);
    let requests = pending.requests().expect("first");
    assert!(pending.requests().is_err());
    let (one, other) = (key(), key());
    let first = begun(pending.request(one, None, Refuse)).await;
    let second = begun(pending.request(other, Some(&Protocol::Http), Refuse)).await;
    let taken = take(&requests);
    let about: Vec<_> = taken.iter().map(|request| (request.peer, request.protocol.clone())).collect();
    assert_eq!(about, [(one, None), (other, Some(Protocol::Http))]);
    assert_eq!(take(&requests), []);
    requests.answer(taken[1].number, true);
    requests.answer(taken[1].number, false);
    requests.answer(taken[0].number, false);
    requests.answer(77, true);
    assert_eq!((first.await, second.await), (Verdict::Denied, Verdict::Admitted));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_times_out_and_is_forgotten() {
    let pending = PendingAuthorizations::new(RULES);
    assert_eq!(pending.request(key(), None, Refuse).await, Verdict::TimedOut);
    let requests = pending.requests().expect("first");
    assert_eq!(take(&requests), []);
    drop(begun(pending.request(key(), None, Refuse)).await);
    assert_eq!(take(&requests), []);
    assert!(pending.queue.is_empty() && pending.lock().total == 0 && pending.lock().per_peer.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_came_before_the_authorizer_is_answered_by_it() {
    let pending = PendingAuthorizations::new(RULES);
    let early = begun(pending.request(key(), None, Refuse)).await;
    pending.set_authorizer(async |_| true).expect("first");
    assert!(pending.set_authorizer(async |_| false).is_err());
    assert_eq!(early.await, Verdict::Admitted);
}

#[tokio::test(start_paused = true)]
async fn pending_requests_are_bounded_in_total_and_per_peer() {
    let pending = PendingAuthorizations::new(RULES);
    let (greedy, other) = (key(), key());
    let held = [begun(pending.request(greedy, None, Refuse)).await, begun(pending.request(greedy, None, Refuse)).await];
    assert_eq!(pending.request(greedy, None, Refuse).await, Verdict::Busy);
    let third = begun(pending.request(other, None, Refuse)).await;
    assert_eq!(pending.request(key(), None, Refuse).await, Verdict::Busy);
    drop(held);
    drop(third);
    drop(begun(pending.request(greedy, None, Refuse)).await);
}

#[tokio::test(start_paused = true)]
async fn a_request_can_wait_for_a_slot_as_long_as_for_an_answer() {
    let pending = PendingAuthorizations::new(RULES);
    let requests = pending.requests().expect("first");
    let greedy = key();
    let held = [begun(pending.request(greedy, None, Refuse)).await, begun(pending.request(greedy, None, Refuse)).await];
    let waiting = begun(pending.request(greedy, Some(&Protocol::Http), Wait)).await;
    assert_eq!(take(&requests).len(), 2);
    drop(held);
    let (verdict, ()) = tokio::join!(waiting, async {
        tokio::task::yield_now().await;
        let taken = take(&requests);
        assert_eq!(taken[0].protocol, Some(Protocol::Http));
        requests.answer(taken[0].number, true);
    });
    assert_eq!(verdict, Verdict::Admitted);
    let rules = Authorize { max_pending: 0, ..RULES };
    assert_eq!(PendingAuthorizations::new(rules).request(greedy, None, Wait).await, Verdict::Busy);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_queue_or_closing_denies_all_requests_at_once() {
    let pending = PendingAuthorizations::new(RULES);
    let requests = pending.requests().expect("first");
    let open = begun(pending.request(key(), None, Refuse)).await;
    drop(requests);
    assert_eq!(open.await, Verdict::Denied);
    assert_eq!(pending.request(key(), None, Refuse).await, Verdict::Denied);
    let pending = PendingAuthorizations::new(RULES);
    let open = begun(pending.request(key(), None, Refuse)).await;
    pending.close();
    assert_eq!(open.await, Verdict::Denied);
    assert_eq!(pending.request(key(), None, Refuse).await, Verdict::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_or_endless_authorizer_denies_only_its_own_request() {
    let pending = PendingAuthorizations::new(RULES);
    let (bad, silent, good) = (key(), key(), key());
    let authorizer = move |request: AuthorizationRequest| {
        assert!(request.peer != bad, "as a test asked for");
        async move {
            if request.peer == silent {
                std::future::pending::<()>().await;
            }
            true
        }
    };
    pending.set_authorizer(authorizer).expect("first");
    let verdicts = tokio::join!(
        pending.request(bad, None, Refuse),
        pending.request(silent, None, Refuse),
        pending.request(good, None, Refuse)
    );
    assert_eq!(verdicts, (Verdict::Denied, Verdict::TimedOut, Verdict::Admitted));
    assert_eq!(pending.lock().total, 0);
}
