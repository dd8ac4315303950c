//! Authorization requests to the embedding program, for a peer or a stream. Bounded in number and in time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::{Notify, oneshot};

use crate::{
    config::Authorize,
    error::{Code, Error, Result},
    identity::PublicKey,
    monitor::{Locked, Monitor},
    protocol::Protocol,
};

/// Whether a peer may connect, or use a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationRequest {
    /// To answer it by.
    pub number: u64,
    /// Who.
    pub peer: PublicKey,
    /// The requested protocol; `None` for a request about the peer itself.
    pub protocol: Option<Protocol>,
}

/// Takes the authorization requests of an endpoint. Dropping it denies all pending and later ones.
#[derive(Debug)]
pub struct AuthorizationRequests(Arc<PendingAuthorizations>);

impl AuthorizationRequests {
    /// Polls for pending requests: returns at least one and at most `most`, or arms the waker.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED` once the endpoint has closed.
    pub fn poll_take(&self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<AuthorizationRequest>>> {
        let mut state = self.0.lock();
        if state.closed {
            return Poll::Ready(Err(Error::closed()));
        }
        let from = state.taken;
        let asked = state.open.range_mut(from..).filter_map(|(_, open)| open.question.take());
        let asked: Vec<AuthorizationRequest> = asked.take(most).collect();
        if let Some(last) = asked.last() {
            state.taken = last.number + 1;
            return Poll::Ready(Ok(asked));
        }
        state.wait(cx)
    }

    /// Answers a request. No-op if it is not pending.
    pub fn answer(&self, number: u64, may: bool) {
        if let Some(open) = self.0.lock().remove(number) {
            let _ = open.answer.send(may);
        }
    }
}

impl Drop for AuthorizationRequests {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    No,
    /// No answer in time.
    Late,
    /// Too many are open already.
    Busy,
}

/// What becomes of a question where as many are open as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfFull {
    /// The request was not sent: [`Verdict::Busy`].
    Refuse,
    /// It waits for room, as long as for an answer.
    Wait,
}

/// The open questions of an endpoint.
#[derive(Debug)]
pub(crate) struct PendingAuthorizations {
    rules: Authorize,
    state: Monitor<State>,
    /// A question has ended: there is room for another.
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<u64, Open>,
    of_peer: HashMap<PublicKey, usize>,
    next: u64,
    /// All below were taken.
    taken: u64,
    is_taken: bool,
    closed: bool,
}

#[derive(Debug)]
struct Open {
    peer: PublicKey,
    /// Until it is taken.
    question: Option<AuthorizationRequest>,
    answer: oneshot::Sender<bool>,
}

impl PendingAuthorizations {
    pub(crate) fn new(rules: Authorize) -> Arc<Self> {
        Arc::new(Self { rules, state: Monitor::default(), freed: Notify::new() })
    }

    pub(crate) fn rules(&self) -> &Authorize {
        &self.rules
    }

    /// Takes the requests, once. The taker answers them.
    pub(crate) fn taker(self: &Arc<Self>) -> Result<AuthorizationRequests> {
        if std::mem::replace(&mut self.lock().is_taken, true) {
            return Err(Error::new(Code::InvalidArgument, "the endpoint's questions are being answered already"));
        }
        Ok(AuthorizationRequests(self.clone()))
    }

    /// Sends a request, and waits for the answer. Cancel-safe: dropping the future withdraws the request.
    pub(crate) async fn ask(&self, peer: PublicKey, protocol: Option<&Protocol>, if_full: IfFull) -> Verdict {
        let posted = match (self.post(peer, protocol), if_full) {
            (Some(posted), _) => Some(posted),
            (None, IfFull::Refuse) => None,
            (None, IfFull::Wait) => self.post_when_free(peer, protocol).await,
        };
        let Some((asked, answer)) = posted else { return Verdict::Busy };
        let answer = tokio::time::timeout(self.rules.timeout, answer).await;
        drop(asked);
        match answer {
            Ok(Ok(true)) => Verdict::Yes,
            Ok(_) => Verdict::No,
            Err(_) => Verdict::Late,
        }
    }

    /// Waits for room as long as for an answer.
    async fn post_when_free(&self, peer: PublicKey, protocol: Option<&Protocol>) -> Option<Posted<'_>> {
        let posted = async {
            loop {
                let freed = self.freed.notified();
                if let Some(posted) = self.post(peer, protocol) {
                    return posted;
                }
                freed.await;
            }
        };
        tokio::time::timeout(self.rules.timeout, posted).await.ok()
    }

    fn post(&self, peer: PublicKey, protocol: Option<&Protocol>) -> Option<Posted<'_>> {
        let mut state = self.lock();
        let of_peer = state.of_peer.get(&peer).copied().unwrap_or(0);
        if state.open.len() >= self.rules.max_pending || of_peer >= self.rules.max_pending_per_peer {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        let number = state.next;
        state.next += 1;
        if !state.closed {
            state.of_peer.insert(peer, of_peer + 1);
            let question = Some(AuthorizationRequest { number, peer, protocol: protocol.cloned() });
            state.open.insert(number, Open { peer, question, answer: sender });
        }
        state.wake();
        Some((Asked { pending: self, number }, answer))
    }

    /// No answer will come any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.of_peer.clear();
        let open = std::mem::take(&mut state.open);
        state.wake();
        drop(open);
    }

    fn lock(&self) -> Locked<'_, State> {
        self.state.lock()
    }
}

impl State {
    fn remove(&mut self, number: u64) -> Option<Open> {
        let open = self.open.remove(&number)?;
        if let Some(count) = self.of_peer.get_mut(&open.peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&open.peer);
            }
        }
        Some(open)
    }
}

type Posted<'a> = (Asked<'a>, oneshot::Receiver<bool>);

/// A question that is open until this is dropped.
struct Asked<'a> {
    pending: &'a PendingAuthorizations,
    number: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let open = self.pending.lock().remove(self.number);
        drop(open);
        self.pending.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        task::Waker,
        time::Duration,
    };

    use super::{
        IfFull::{Refuse, Wait},
        *,
    };
    use crate::identity::SecretKey;

    const RULES: Authorize = Authorize {
        peer: true,
        stream: true,
        timeout: Duration::from_secs(5),
        max_pending: 3,
        max_pending_per_peer: 2,
    };

    fn key() -> PublicKey {
        SecretKey::generate().public()
    }

    fn take(questions: &AuthorizationRequests) -> Vec<AuthorizationRequest> {
        match questions.poll_take(&mut Context::from_waker(Waker::noop()), 9) {
            Poll::Ready(asked) => asked.expect("open"),
            Poll::Pending => Vec::new(),
        }
    }

    async fn begun<F: Future<Output = Verdict>>(ask: F) -> std::pin::Pin<Box<F>> {
        let mut ask = Box::pin(ask);
        assert!(poll_fn(|cx| Poll::Ready(ask.as_mut().poll(cx))).await.is_pending());
        ask
    }

    #[tokio::test(start_paused = true)]
    async fn each_question_gets_its_own_answer() {
        let pending = PendingAuthorizations::new(RULES);
        let questions = pending.taker().expect("taker");
        assert!(pending.taker().is_err());
        let (one, other) = (key(), key());
        let first = begun(pending.ask(one, None, Refuse)).await;
        let second = begun(pending.ask(other, Some(&Protocol::Http), Refuse)).await;
        let asked = take(&questions);
        let about: Vec<_> = asked.iter().map(|q| (q.peer, q.protocol.clone())).collect();
        assert_eq!(about, [(one, None), (other, Some(Protocol::Http))]);
        assert_eq!(take(&questions), []);
        questions.answer(asked[1].number, true);
        questions.answer(asked[1].number, false);
        questions.answer(asked[0].number, false);
        questions.answer(77, true);
        assert_eq!((first.await, second.await), (Verdict::No, Verdict::Yes));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_answers_is_refused_in_time_and_forgotten() {
        let pending = PendingAuthorizations::new(RULES);
        assert_eq!(pending.ask(key(), None, Refuse).await, Verdict::Late);
        let questions = pending.taker().expect("taker");
        assert_eq!(take(&questions), []);
        drop(begun(pending.ask(key(), None, Refuse)).await);
        assert_eq!(take(&questions), []);
        assert!(pending.lock().open.is_empty() && pending.lock().of_peer.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_are_not_asked_and_one_peer_has_a_share() {
        let pending = PendingAuthorizations::new(RULES);
        let (greedy, other) = (key(), key());
        let held = [begun(pending.ask(greedy, None, Refuse)).await, begun(pending.ask(greedy, None, Refuse)).await];
        assert_eq!(pending.ask(greedy, None, Refuse).await, Verdict::Busy);
        let third = begun(pending.ask(other, None, Refuse)).await;
        assert_eq!(pending.ask(key(), None, Refuse).await, Verdict::Busy);
        drop(held);
        drop(third);
        drop(begun(pending.ask(greedy, None, Refuse)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_may_wait_for_room_as_long_as_for_an_answer() {
        let pending = PendingAuthorizations::new(RULES);
        let questions = pending.taker().expect("taker");
        let greedy = key();
        let held = [begun(pending.ask(greedy, None, Refuse)).await, begun(pending.ask(greedy, None, Refuse)).await];
        let waiting = begun(pending.ask(greedy, Some(&Protocol::Http), Wait)).await;
        assert_eq!(take(&questions).len(), 2);
        drop(held);
        let (verdict, ()) = tokio::join!(waiting, async {
            tokio::task::yield_now().await;
            let asked = take(&questions);
            assert_eq!(asked[0].protocol, Some(Protocol::Http));
            questions.answer(asked[0].number, true);
        });
        assert_eq!(verdict, Verdict::Yes);
        let rules = Authorize { max_pending: 0, ..RULES };
        assert_eq!(PendingAuthorizations::new(rules).ask(greedy, None, Wait).await, Verdict::Busy);
    }

    #[tokio::test(start_paused = true)]
    async fn without_anybody_to_answer_all_are_refused_at_once() {
        let pending = PendingAuthorizations::new(RULES);
        let questions = pending.taker().expect("taker");
        let open = begun(pending.ask(key(), None, Refuse)).await;
        drop(questions);
        assert_eq!(open.await, Verdict::No);
        assert_eq!(pending.ask(key(), None, Refuse).await, Verdict::No);
    }
}
