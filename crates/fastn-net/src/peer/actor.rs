//! Does what the table says.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::{
    Message, Peer, PeerState, PeerStatus, closed, dial,
    table::{Action, Event, Link, Table},
};
use crate::{accept, connection::Connection, error::Result, shared::Shared, wire::codes::close};

/// The least time that an old connection has to answer, when another one challenges it.
const CONTEST: Duration = Duration::from_secs(1);

/// Runs until the endpoint closes, or until the peer is of no interest to anyone.
pub(crate) async fn run(shared: Arc<Shared>, peer: Arc<Peer>, mut messages: mpsc::UnboundedReceiver<Message>) {
    let table = Table::new(shared.id() < peer.id());
    let mut actor =
        Actor { shared, peer, table, connections: HashMap::new(), waiting: Vec::new(), failure: None, failed_dials: 0 };
    loop {
        let idle = actor.shared.limits().idle_timeout;
        let message = if actor.table.is_idle() {
            tokio::time::timeout(idle, messages.recv()).await
        } else {
            Ok(messages.recv().await)
        };
        match message {
            Ok(Some(message)) => {
                let shutdown = matches!(message, Message::Shutdown);
                actor.take(message);
                if shutdown {
                    return;
                }
            }
            Ok(None) => return,
            Err(_) if actor.shared.forget(&actor.peer) => return,
            Err(_) => {}
        }
    }
}

struct Actor {
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    table: Table,
    connections: HashMap<u64, Connection>,
    waiting: Vec<oneshot::Sender<Result<Connection>>>,
    /// Why the last dial failed.
    failure: Option<crate::error::Error>,
    failed_dials: u32,
}

impl Actor {
    fn take(&mut self, message: Message) {
        let event = match message {
            Message::Wanted(answer) => {
                self.bury();
                self.waiting.push(answer);
                Event::Wanted
            }
            Message::Inbound(connection) => Event::Inbound(self.adopt(connection)),
            Message::Dialled(Ok(connection)) => Event::Dialled(self.adopt(connection)),
            Message::Dialled(Err(error)) => {
                self.failed_dials += 1;
                self.failure = Some(error);
                Event::DialFailed
            }
            Message::Pinged(id, answered) => Event::Pinged { id, answered },
            Message::Lost(id) => {
                self.connections.remove(&id);
                Event::Lost(id)
            }
            Message::Shutdown => {
                self.failure = None;
                Event::Shutdown
            }
        };
        self.handle(event);
        self.publish();
    }

    fn publish(&mut self) {
        let state = self.table.state();
        if state == PeerState::Connected {
            self.failed_dials = 0;
            self.failure = None;
        }
        let attempts = self.failed_dials;
        self.peer.publish(PeerStatus { state, last_error: self.failure.clone(), attempts, ..PeerStatus::default() });
        self.shared.changed(&self.peer.id());
    }

    /// Whoever wants a connection may know before the actor that the last one has ended.
    fn bury(&mut self) {
        let ended = |(id, connection): (&u64, &Connection)| (!connection.is_live()).then_some(*id);
        let ended: Vec<u64> = self.connections.iter().filter_map(ended).collect();
        for id in ended {
            self.connections.remove(&id);
            self.handle(Event::Lost(id));
        }
    }

    fn handle(&mut self, event: Event) {
        for action in self.table.on(event) {
            debug!(peer = %self.peer.id(), ?event, ?action);
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial => {
                if self.failed_dials > 0 {
                    self.shared.metrics.dial_retried();
                }
                let (shared, peer) = (self.shared.clone(), self.peer.clone());
                self.shared.spawn(async move {
                    let result = dial::dial(&shared, &peer.address()).await;
                    shared.metrics.dialled(&result);
                    peer.tell(Message::Dialled(result));
                });
            }
            Action::Ping(id) => self.ping(id),
            Action::Prefer(id) => {
                let connection = self.connections.get(&id).cloned();
                self.peer.prefer(connection.clone());
                for answer in self.waiting.drain(..) {
                    let _ = answer.send(connection.clone().ok_or_else(closed));
                }
            }
            Action::PreferNone => self.peer.prefer(None),
            Action::Retire(id) => self.retire(id),
            Action::Drop(id) => {
                if let Some(connection) = self.connections.get(&id) {
                    connection.close_own(close::SUPERSEDED, "a newer connection replaces this one");
                }
            }
            Action::Fail => {
                let error = self.failure.clone().unwrap_or_else(closed);
                for answer in self.waiting.drain(..) {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Serves the connection until its end.
    fn adopt(&mut self, connection: Connection) -> Link {
        let link = Link { id: connection.id(), dialled: connection.is_dialled(), own: connection.alpn().is_own() };
        self.connections.insert(link.id, connection.clone());
        self.shared.list(&connection);
        self.shared.metrics.connection_opened(link.dialled);
        let adopted = Adopted { shared: self.shared.clone(), peer: self.peer.clone(), connection };
        self.shared.spawn(async move { adopted.serve().await });
        link
    }

    fn ping(&self, id: u64) {
        let Some(connection) = self.connections.get(&id).cloned() else { return };
        let peer = self.peer.clone();
        self.shared.spawn(async move {
            let limit = connection.rtt().map_or(CONTEST, |rtt| CONTEST.max(rtt * 3));
            let answered = matches!(tokio::time::timeout(limit, connection.ping()).await, Ok(Ok(_)));
            peer.tell(Message::Pinged(id, answered));
        });
    }

    fn retire(&self, id: u64) {
        let Some(connection) = self.connections.get(&id).cloned() else { return };
        if connection.is_dialled() {
            self.shared.spawn(async move {
                tokio::select! {
                    () = connection.retired() => {
                        connection.drained().await;
                        connection.close_own(close::SUPERSEDED, "another connection of this pair took over");
                    }
                    _ = connection.closed() => {}
                }
            });
        }
    }
}

/// A connection in service. Whatever ends its task, a panic included, the connection is over and the actor learns it.
struct Adopted {
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    connection: Connection,
}

impl Adopted {
    async fn serve(&self) {
        if self.connection.alpn().is_own() || !self.connection.is_dialled() {
            accept::serve(&self.shared, &self.connection).await;
        }
        self.connection.closed().await;
    }
}

impl Drop for Adopted {
    fn drop(&mut self) {
        self.connection.close_own(close::PLAIN, "nobody serves this connection any more");
        if let Some(info) = self.connection.close_reason() {
            self.shared.metrics.connection_closed(&info);
        }
        self.shared.unlist(&self.connection);
        self.peer.tell(Message::Lost(self.connection.id()));
    }
}
