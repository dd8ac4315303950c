//! Executes the actions of the table.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, trace};

use super::{
    Check, Message, Peer, PeerContext, PeerStatus, dial,
    failures::Failures,
    immediate_check::answers,
    mailbox::Messages,
    receive_windows::ReceiveWindows,
    status::Failure,
    table::{Action, Event, Policy, Table},
};
use crate::{
    connection::Connection,
    error::{Error, Result},
    log_target,
};

/// Least time for an old connection to answer a challenge.
const CONTEST: Duration = Duration::from_secs(1);

/// Minimum time limit of a dial while a connection is suspect. A peer that restarts during it answers the next dial at once.
const EXTRA_DIAL_LIMIT: Duration = Duration::from_secs(1);

/// Runs until the endpoint closes or the peer is forgotten.
pub(super) async fn run(context: Arc<PeerContext>, peer: Arc<Peer>, messages: &mut Messages) {
    let mut actor = Actor::new(context, peer);
    actor.count_keeps();
    loop {
        let message = match actor.table.deadline() {
            Some(at) => tokio::select! {
                message = messages.next() => message,
                () = sleep_until(at) => Message::Time,
            },
            None => messages.next().await,
        };
        let shutdown = matches!(message, Message::Shutdown);
        actor.take(message);
        if shutdown || actor.forgotten && actor.context.registry.forget(&actor.peer, &|| messages.is_empty()) {
            break;
        }
        actor.forgotten = false;
    }
}

pub(super) struct Actor {
    pub(super) context: Arc<PeerContext>,
    pub(super) peer: Arc<Peer>,
    pub(super) table: Table,
    pub(super) windows: ReceiveWindows,
    pub(super) connections: HashMap<u64, (Connection, Instant)>,
    pub(super) waiting: HashMap<u64, oneshot::Sender<Result<Connection>>>,
    pub(super) failure: Option<Failure>,
    pub(super) failures: Failures,
    pub(super) closing: bool,
    pub(super) forgotten: bool,
}

impl Actor {
    fn new(context: Arc<PeerContext>, peer: Arc<Peer>) -> Self {
        let limits = context.limits;
        let policy =
            Policy { connect: limits.connect, idle_timeout: limits.idle_timeout, ping_timeout: limits.ping_timeout };
        let table = Table::new(context.id < peer.id(), policy, Instant::now(), random);
        let windows = ReceiveWindows::new(limits.receive_window, limits.receive_window_per_peer);
        Self {
            context,
            peer,
            table,
            windows,
            connections: HashMap::new(),
            waiting: HashMap::new(),
            failure: None,
            failures: Failures::default(),
            closing: false,
            forgotten: false,
        }
    }

    fn take(&mut self, message: Message) {
        let before = self.published();
        let (mut lost, mut adopted) = (false, None);
        let event = match message {
            Message::Wanted { request, answer, retries, first_attempt } => {
                self.remove_closed();
                self.waiting.insert(request, answer);
                Event::Wanted { request, retries, first_attempt }
            }
            Message::Unwanted(request) => {
                self.waiting.remove(&request);
                Event::Unwanted(request)
            }
            Message::KeepCountChanged => return self.count_keeps(),
            Message::AddressAdded => Event::AddressAdded,
            Message::Inbound(connection) => {
                let (facts, service) = self.adopt(connection);
                adopted = Some(service);
                Event::Inbound(facts)
            }
            Message::Dialled(Ok(connection)) => {
                let (facts, service) = self.adopt(connection);
                adopted = Some(service);
                Event::Dialled(facts)
            }
            Message::Dialled(Err(dial::Failed { error, reason, permanent })) => {
                let now = std::time::Instant::now();
                self.failures.add(&reason, now);
                self.failure = Some(Failure { error, attempted_at: now });
                Event::DialFailed { permanent }
            }
            Message::Challenged(id, answered) => Event::Challenged { id, answered },
            Message::AckLate(id) => {
                if let Some(connection) = self.connection(id) {
                    connection.check_received();
                }
                Event::AckLate(id)
            }
            Message::Checked { id, check, answered } => Event::Checked { id, check, answered },
            Message::Pinged(id) => match self.sample(id) {
                Some(seen) => Event::Pinged(id, seen),
                None => return,
            },
            Message::Activated(id) => match self.sample(id) {
                Some(seen) => Event::Activated(id, seen),
                None => return,
            },
            Message::ThresholdExceeded(id) => return self.cover_streams(id),
            Message::Stalled(id) => Event::Stalled(id),
            Message::Time => {
                let due = self.table.due(Instant::now());
                Event::Time(due.into_iter().filter_map(|id| Some((id, self.sample(id)?))).collect())
            }
            Message::Lost(id) => {
                lost = true;
                match self.remove_connection(id) {
                    Some(event) => event,
                    None => return self.context.registry.peer_changed(&self.peer.id()),
                }
            }
            Message::Shutdown => {
                self.closing = true;
                Event::Shutdown
            }
            #[cfg(test)]
            Message::Panic => panic!("as a test asked for"),
        };
        self.handle(event);
        if lost || before != self.published() {
            self.context.registry.peer_changed(&self.peer.id());
        }
        // Served last, so that a handler finds its caller among the peers, with the connection.
        if let Some(service) = adopted {
            self.serve(service);
        }
    }

    /// Feeds each change of the keep count to the table as one event.
    fn count_keeps(&mut self) {
        let before = self.published();
        while self.table.keeps() != self.peer.keeps.load(Ordering::Acquire) {
            let more = self.table.keeps() < self.peer.keeps.load(Ordering::Acquire);
            self.handle(if more { Event::Kept } else { Event::Unkept });
        }
        if before != self.published() {
            self.context.registry.peer_changed(&self.peer.id());
        }
    }

    /// The comparable part of the published status.
    fn published(&self) -> impl PartialEq + use<> {
        let table = &self.table;
        (table.state(), table.preferred(), table.attempts(), table.next_retry(), table.is_kept())
    }

    fn publish(&self) {
        let connected = self.table.preferred().is_some();
        let error = self.failure.as_ref().map(|failure| failure.error.clone());
        self.peer.publish(PeerStatus {
            state: self.table.state(),
            last_error: error.filter(|_| !connected),
            failure: self.failure.clone(),
            failures: self.failures.clone(),
            next_retry: self.table.next_retry().map(Instant::into_std),
            attempts: if connected { 0 } else { self.table.attempts() },
            kept: self.table.is_kept(),
        });
    }

    pub(super) fn handle(&mut self, event: Event) {
        trace!(target: log_target::PEER, peer = %self.peer.id(), ?event, "event");
        let actions = self.table.on(Instant::now(), event);
        // The message of its loss comes later, but the status without the connection is published now, and must say why.
        for action in &actions {
            if let Action::Drop(id) = action
                && let Some((_, since)) = self.connections.get(id)
            {
                self.failure = Some(Failure { error: Connection::abandoned_error(), attempted_at: since.into_std() });
            }
        }
        // Published first, so that a caller that gets its answer finds the status up to date.
        self.publish();
        for action in actions {
            trace!(target: log_target::PEER, peer = %self.peer.id(), ?action, "action");
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial => {
                if self.table.attempts() > 0 {
                    self.context.counters.dial_retries.add(1);
                }
                self.peer.count_dial();
                let (context, peer) = (self.context.clone(), self.peer.clone());
                let limit = self.dial_limit();
                self.context.lifecycle.spawn(async move {
                    let address = peer.address();
                    let dial = dial::dial(&context, &address, limit);
                    // Cancelled: the actor has answered all requests.
                    let Some(result) = context.lifecycle.ending.run_until_cancelled(dial).await else { return };
                    context.counters.dial_ended(&result.as_ref().map_err(|failed| failed.error.clone()));
                    peer.tell(Message::Dialled(result));
                });
            }
            Action::Ping(id) => self.ping(id, |_| None),
            Action::Challenge(id) => {
                self.ping(id, |connection| Some(connection.rtt().map_or(CONTEST, |rtt| CONTEST.max(rtt * 3))));
            }
            Action::Check(id, check) => self.check(id, check),
            Action::Prefer(id) => {
                debug!(target: log_target::CONNECTION, peer = %self.peer.id(), connection = id, "preferred");
                let connection = self.connection(id);
                self.peer.prefer(connection.clone());
                for (_, answer) in self.waiting.drain() {
                    let _ = answer.send(connection.clone().ok_or_else(Error::closed));
                }
            }
            Action::PreferNone => self.peer.prefer(None),
            Action::Retire(id) => self.retire(id),
            Action::End(id) => self.end(id),
            Action::Drop(id) => {
                if let Some(connection) = self.connection(id) {
                    connection.abandon();
                }
            }
            Action::Fail(request) => {
                if let Some(answer) = self.waiting.remove(&request) {
                    let failure = self.failure.as_ref().filter(|_| !self.closing);
                    let _ = answer.send(Err(failure.map_or_else(Error::closed, |failure| failure.error.clone())));
                }
            }
            Action::Forget => self.forgotten = true,
        }
    }

    /// Pings, and reports the result. With a limit, also reports a timeout.
    fn ping(&self, id: u64, limit: impl FnOnce(&Connection) -> Option<Duration>) {
        let Some(connection) = self.connection(id) else { return };
        let (peer, limit) = (self.peer.clone(), limit(&connection));
        let usual = self.context.limits.ping_timeout;
        self.context.lifecycle.spawn(async move {
            let Some(limit) = limit else {
                if matches!(timeout(usual, connection.beat()).await, Ok(Ok(_))) {
                    peer.tell(Message::Pinged(id));
                }
                return;
            };
            let before = connection.sample().received;
            let ponged = matches!(timeout(limit, connection.beat()).await, Ok(Ok(_)));
            // Any received byte is an answer.
            let answered = ponged || (connection.is_live() && connection.sample().received != before);
            peer.tell(Message::Challenged(id, answered));
        });
    }

    fn check(&self, id: u64, check: Check) {
        let connection = self.connection(id);
        let successor = if let Check::Successor(id) = check { self.connection(id) } else { None };
        let peer = self.peer.clone();
        self.context.lifecycle.spawn(async move {
            let answered = match connection {
                Some(connection) => answers(&connection, check, successor.as_ref()).await,
                None => false,
            };
            peer.tell(Message::Checked { id, check, answered });
        });
    }

    /// Time limit of a dial.
    fn dial_limit(&self) -> Duration {
        let usual = self.context.limits.connect.attempt_timeout;
        let beside = self.table.preferred().and_then(|id| self.connection(id));
        beside.map_or(usual, |old| usual.min(EXTRA_DIAL_LIMIT.max(old.rtt().unwrap_or_default() * 6)))
    }

    pub(super) fn connection(&self, id: u64) -> Option<Connection> {
        self.connections.get(&id).map(|(connection, _)| connection.clone())
    }
}

/// Returns a number from 0 to 1. The standard library's hash keys are random enough for jitter.
#[expect(clippy::cast_precision_loss, reason = "a delay needs no more than 53 bits")]
fn random() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
