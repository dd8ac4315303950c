//! Does what the table says.

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
use tracing::{debug, info, trace};

use super::{
    Check, Message, Peer, PeerStatus, check, dial,
    mailbox::Messages,
    table::{Action, Event, Link, Policy, Table},
    windows::Windows,
};
use crate::connection::TrafficSnapshot;
use crate::{
    connection::{CloseInfo, Connection},
    endpoint::EndpointInner,
    error::{Code, Error, Result},
    negotiation, target,
    wire::codes::close,
};

/// The least time that an old connection has to answer, when another one challenges it.
const CONTEST: Duration = Duration::from_secs(1);

/// A connection that lasted so long was worth something, even if nothing was said on it.
const LASTED: Duration = Duration::from_secs(1);

/// While the peer is dialled beside a connection that is doubted: a peer that came back meanwhile answers the next dial at once.
const BESIDE: Duration = Duration::from_secs(1);

/// Runs until the endpoint closes, or until the peer is of no interest to anyone.
pub(super) async fn run(shared: Arc<EndpointInner>, peer: Arc<Peer>, messages: &mut Messages) {
    let mut actor = Actor::new(shared, peer);
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
        if shutdown || actor.forgotten && actor.shared.forget(&actor.peer, || messages.is_empty()) {
            break;
        }
        actor.forgotten = false;
    }
}

struct Actor {
    shared: Arc<EndpointInner>,
    peer: Arc<Peer>,
    table: Table,
    windows: Windows,
    connections: HashMap<u64, (Connection, Instant)>,
    waiting: HashMap<u64, oneshot::Sender<Result<Connection>>>,
    /// Why the last dial failed, or the last connection was lost.
    failure: Option<Error>,
    closing: bool,
    forgotten: bool,
}

impl Actor {
    fn new(shared: Arc<EndpointInner>, peer: Arc<Peer>) -> Self {
        let limits = shared.limits();
        let policy =
            Policy { connect: limits.connect, idle_timeout: limits.idle_timeout, ping_timeout: limits.ping_timeout };
        let table = Table::new(shared.id() < peer.id(), policy, Instant::now(), random);
        let windows = Windows::new(limits.receive_window, limits.receive_window_per_peer);
        Self {
            shared,
            peer,
            table,
            windows,
            connections: HashMap::new(),
            waiting: HashMap::new(),
            failure: None,
            closing: false,
            forgotten: false,
        }
    }

    fn take(&mut self, message: Message) {
        let before = self.told();
        let mut lost = false;
        let event = match message {
            Message::Wanted { request, answer, retries, fresh } => {
                self.bury();
                self.waiting.insert(request, answer);
                Event::Wanted { request, retries, fresh }
            }
            Message::Unwanted(request) => {
                self.waiting.remove(&request);
                Event::Unwanted(request)
            }
            Message::Keeps => return self.count_keeps(),
            Message::Known => Event::Known,
            Message::Inbound(connection) => Event::Inbound(self.adopt(connection)),
            Message::Dialled(Ok(connection)) => Event::Dialled(self.adopt(connection)),
            Message::Dialled(Err(dial::Failed { error, last })) => {
                self.failure = Some(error);
                Event::DialFailed { last }
            }
            Message::Challenged(link, answered) => Event::Challenged { link, answered },
            Message::AckLate(id) => {
                if let Some(connection) = self.connection(id) {
                    connection.doubt_heard();
                }
                Event::AckLate(id)
            }
            Message::Checked { link, check, answered } => Event::Checked { link, check, answered },
            Message::Pinged(id) => match self.see(id) {
                Some(seen) => Event::Pinged(id, seen),
                None => return,
            },
            Message::Stirred(id) => match self.see(id) {
                Some(seen) => Event::Stirred(id, seen),
                None => return,
            },
            Message::Crowded(id) => return self.cover_streams(id),
            Message::Stalled(id) => Event::Stalled(id),
            Message::Time => {
                let due = self.table.due(Instant::now());
                Event::Time(due.into_iter().filter_map(|id| Some((id, self.see(id)?))).collect())
            }
            Message::Lost(id) => {
                lost = true;
                match self.bury_one(id) {
                    Some(event) => event,
                    None => return self.shared.changed(&self.peer.id()),
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
        if lost || before != self.told() {
            self.shared.changed(&self.peer.id());
        }
    }

    /// One after the other, each as an event of its own.
    fn count_keeps(&mut self) {
        let before = self.told();
        while self.table.keeps() != self.peer.keeps.load(Ordering::Acquire) {
            let more = self.table.keeps() < self.peer.keeps.load(Ordering::Acquire);
            self.handle(if more { Event::Kept } else { Event::Unkept });
        }
        if before != self.told() {
            self.shared.changed(&self.peer.id());
        }
    }

    /// What others are told, as far as it can be compared.
    fn told(&self) -> impl PartialEq + use<> {
        let table = &self.table;
        (table.state(), table.preferred(), table.attempts(), table.next_retry(), table.is_kept())
    }

    fn publish(&self) {
        let connected = self.table.preferred().is_some();
        self.peer.publish(PeerStatus {
            state: self.table.state(),
            last_error: self.failure.clone().filter(|_| !connected),
            next_retry: self.table.next_retry().map(Instant::into_std),
            attempts: if connected { 0 } else { self.table.attempts() },
            kept: self.table.is_kept(),
        });
    }

    /// Whoever wants a connection may know before the actor that the last one has ended.
    fn bury(&mut self) {
        let ended = |(id, (connection, _)): (&u64, &(Connection, Instant))| (!connection.is_live()).then_some(*id);
        let ended: Vec<u64> = self.connections.iter().filter_map(ended).collect();
        for id in ended {
            if let Some(event) = self.bury_one(id) {
                self.handle(event);
            }
        }
    }

    fn bury_one(&mut self, link: u64) -> Option<Event> {
        let (connection, since) = self.connections.remove(&link)?;
        for (other, window) in self.windows.go(link) {
            self.connections[&other].0.set_receive_window(window);
        }
        let others: Vec<u64> = self.connections.keys().copied().collect();
        for other in others {
            self.cover_streams(other);
        }
        let here = connection.close_reason().is_some_and(|end| end.by == "local");
        let worth = here || connection.carried_streams() || since.elapsed() >= LASTED;
        let error = connection.lost_error();
        let last = error.code() == Code::Unauthorized;
        if connection.close_reason().is_some_and(|end| end.by != "local" && end.code != close::IDLE) {
            self.failure = Some(connection.unopened_error());
        }
        Some(Event::Lost { link, worth: worth && !last, last })
    }

    fn handle(&mut self, event: Event) {
        trace!(target: target::PEER, peer = %self.peer.id(), ?event, "happened");
        let actions = self.table.on(Instant::now(), event);
        // Whoever is answered finds it said already.
        self.publish();
        for action in actions {
            trace!(target: target::PEER, peer = %self.peer.id(), ?action, "decided");
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial => {
                if self.table.attempts() > 0 {
                    self.shared.metrics.dial_retried();
                }
                self.peer.count_dial();
                let (shared, peer) = (self.shared.clone(), self.peer.clone());
                let limit = self.dial_limit();
                self.shared.spawn(async move {
                    let address = peer.address();
                    let dial = dial::dial(&shared, &address, limit);
                    // Its actor has answered all who wait.
                    let Some(result) = shared.ending.run_until_cancelled(dial).await else { return };
                    shared.metrics.dialled(&result.as_ref().map_err(|failed| failed.error.clone()));
                    peer.tell(Message::Dialled(result));
                });
            }
            Action::Ping(id) => self.ping(id, |_| None),
            Action::Challenge(id) => {
                self.ping(id, |connection| Some(connection.rtt().map_or(CONTEST, |rtt| CONTEST.max(rtt * 3))));
            }
            Action::Check(id, check) => self.check(id, check),
            Action::Prefer(id) => {
                debug!(target: target::CONNECTION, peer = %self.peer.id(), connection = id, "preferred");
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
                    connection.give_up();
                }
            }
            Action::Fail(request) => {
                if let Some(answer) = self.waiting.remove(&request) {
                    let failure = self.failure.clone().filter(|_| !self.closing);
                    let _ = answer.send(Err(failure.unwrap_or_else(Error::closed)));
                }
            }
            Action::Forget => self.forgotten = true,
        }
    }

    /// Serves the connection until its end.
    fn adopt(&mut self, connection: Connection) -> Link {
        let link = Link { id: connection.id(), dialled: connection.is_dialled(), own: connection.alpn().is_own() };
        let (peer, alpn) = (self.peer.id(), connection.alpn().as_str());
        info!(target: target::CONNECTION, %peer, connection = link.id, alpn, dialled = link.dialled, "made");
        self.connections.insert(link.id, (connection.clone(), Instant::now()));
        connection.set_receive_window(self.windows.come(link.id));
        if self.peer.is_being_taken() && connection.is_dialled() {
            connection.offer();
        }
        self.shared.list(&connection);
        self.shared.metrics.connection_opened(link.dialled);
        let mailbox = self.peer.mailbox.clone();
        connection.on_stir(Box::new(move || {
            // An actor that is gone needs no telling.
            let _ = mailbox.send(Message::Stirred(link.id));
        }));
        let mailbox = self.peer.mailbox.clone();
        connection.on_crowd(Box::new(move || {
            let _ = mailbox.send(Message::Crowded(link.id));
        }));
        self.cover_streams(link.id);
        let mailbox = self.peer.mailbox.clone();
        connection.on_doubt(Box::new(move || {
            let _ = mailbox.send(Message::AckLate(link.id));
        }));
        if connection.may_stall() {
            let mailbox = self.peer.mailbox.clone();
            connection.stall().on_stall(Box::new(move || {
                let _ = mailbox.send(Message::Stalled(link.id));
            }));
        }
        self.peer.remember(&connection);
        self.shared.follow_paths(&connection);
        self.peer.join(&connection);
        let adopted = Adopted { shared: self.shared.clone(), peer: self.peer.clone(), connection };
        self.shared.spawn(async move { adopted.serve().await });
        link
    }

    /// Grows the window of a connection for the streams that use it now.
    fn cover_streams(&mut self, id: u64) {
        let Some(connection) = self.connection(id) else { return };
        loop {
            let cover = self.windows.cover(id, connection.users());
            if let Some(window) = cover.window {
                connection.set_receive_window(window);
            }
            // When the share of the peer is used up, only the end of a connection gives more.
            if cover.streams.is_none_or(|streams| connection.watch_crowd(streams)) {
                return;
            }
        }
    }

    fn see(&self, id: u64) -> Option<TrafficSnapshot> {
        let connection = self.connection(id)?;
        self.peer.remember(&connection);
        Some(connection.look())
    }

    /// Pings, and says what came of it; with a limit, also when nothing did.
    fn ping(&self, id: u64, limit: impl FnOnce(&Connection) -> Option<Duration>) {
        let Some(connection) = self.connection(id) else { return };
        let (peer, limit) = (self.peer.clone(), limit(&connection));
        let usual = self.shared.limits().ping_timeout;
        self.shared.spawn(async move {
            let Some(limit) = limit else {
                if matches!(timeout(usual, connection.beat()).await, Ok(Ok(_))) {
                    peer.tell(Message::Pinged(id));
                }
                return;
            };
            let before = connection.look().received;
            let ponged = matches!(timeout(limit, connection.beat()).await, Ok(Ok(_)));
            // Any byte is an answer.
            let answered = ponged || (connection.is_live() && connection.look().received != before);
            peer.tell(Message::Challenged(id, answered));
        });
    }

    fn check(&self, link: u64, check: Check) {
        let connection = self.connection(link);
        let successor = if let Check::Successor(id) = check { self.connection(id) } else { None };
        let peer = self.peer.clone();
        self.shared.spawn(async move {
            let answered = match connection {
                Some(connection) => check::check(&connection, check, successor.as_ref()).await,
                None => false,
            };
            peer.tell(Message::Checked { link, check, answered });
        });
    }

    /// How long a dial may take.
    fn dial_limit(&self) -> Duration {
        let usual = self.shared.limits().connect.attempt_timeout;
        let beside = self.table.preferred().and_then(|id| self.connection(id));
        beside.map_or(usual, |old| usual.min(BESIDE.max(old.rtt().unwrap_or_default() * 6)))
    }

    fn retire(&self, id: u64) {
        debug!(target: target::CONNECTION, peer = %self.peer.id(), connection = id, "retired");
        let Some(connection) = self.connection(id) else { return };
        if connection.is_dialled() {
            self.shared.spawn(async move {
                tokio::select! {
                    () = connection.retired() => {
                        connection.drained().await;
                        connection.close_own(close::SUPERSEDED, "new streams of this pair go over another connection");
                    }
                    _ = connection.closed() => {}
                }
            });
        }
    }

    /// Ends a connection that nothing uses. Whatever begins at this moment either keeps it, or goes over a new one.
    fn end(&mut self, id: u64) {
        let Some(connection) = self.connection(id) else { return };
        if !connection.try_retire() {
            return self.handle(Event::Stirred(id, connection.look()));
        }
        self.handle(Event::Ended(id));
        self.shared.spawn(async move {
            connection.drained().await;
            connection.close_own(close::IDLE, "nothing used this connection");
        });
    }

    fn connection(&self, id: u64) -> Option<Connection> {
        self.connections.get(&id).map(|(connection, _)| connection.clone())
    }
}

/// A connection in service. Whatever ends its task, a panic included, the connection is over and the actor learns it.
struct Adopted {
    shared: Arc<EndpointInner>,
    peer: Arc<Peer>,
    connection: Connection,
}

impl Adopted {
    async fn serve(&self) {
        let accept = async {
            if self.connection.alpn().is_own() || !self.connection.is_dialled() {
                negotiation::serve(&self.shared, &self.peer.quota, &self.connection).await;
            }
            self.connection.closed().await;
        };
        let deadlines = self.connection.ack_deadlines().run(self.shared.limits().ack_timeout);
        let served = async {
            tokio::select! {
                () = accept => {}
                () = deadlines => {}
            }
        };
        self.connection.finishing().write_while(served).await;
    }
}

impl Drop for Adopted {
    fn drop(&mut self) {
        self.connection.close_own(close::PLAIN, "nobody serves this connection any more");
        if let Some(info) = self.connection.close_reason() {
            self.shared.metrics.connection_closed(info.by, info.code);
        }
        self.peer.leave(&self.connection);
        self.shared.unlist(&self.connection);
        if let Some(CloseInfo { code, reason, by }) = self.connection.close_reason() {
            let (peer, connection) = (self.peer.id(), self.connection.id());
            info!(target: target::CONNECTION, %peer, connection, by, code, reason, "ended");
        }
        self.connection.let_go();
        self.peer.tell(Message::Lost(self.connection.id()));
    }
}

/// From 0 to 1. Jitter needs no better source than the keys that the standard library gives its hash maps.
#[expect(clippy::cast_precision_loss, reason = "a delay needs no more than 53 bits")]
fn random() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
