//! The actor's connections, from adoption to removal.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info};

use super::{
    Message,
    actor::Actor,
    connection_task::ConnectionTask,
    status::Failure,
    table::{ConnectionFacts, Event},
};
use crate::{
    connection::{CloseInfo, ClosedBy, Connection, TrafficSnapshot},
    error::Code,
    log_target,
    wire::codes::close,
};

/// A connection that lasted this long counts as useful, even without stream bytes.
const USEFUL_AFTER: Duration = Duration::from_secs(1);

impl Actor {
    /// Adds a connection. Run its task once the status with the connection is published ([`Actor::serve`]).
    pub(super) fn adopt(&mut self, connection: Connection) -> (ConnectionFacts, ConnectionTask) {
        let facts = ConnectionFacts {
            id: connection.id(),
            dialled: connection.is_dialled(),
            is_native: connection.alpn().is_native(),
        };
        let (peer, alpn) = (self.peer.id(), connection.alpn().as_str());
        info!(target: log_target::CONNECTION, %peer, connection = facts.id, alpn, dialled = facts.dialled, "opened");
        self.connections.insert(facts.id, (connection.clone(), Instant::now()));
        connection.set_receive_window(self.windows.add(facts.id));
        if self.peer.offers_connections() && connection.is_dialled() {
            connection.offer();
        }
        self.context.registry.connection_opened(&connection);
        self.context.counters.connection_opened(facts.dialled);
        let mailbox = self.peer.mailbox.clone();
        connection.on_activity(Box::new(move || {
            // Fails only if the actor is gone.
            let _ = mailbox.send(Message::Activated(facts.id));
        }));
        let mailbox = self.peer.mailbox.clone();
        connection.on_threshold(Box::new(move || {
            let _ = mailbox.send(Message::ThresholdExceeded(facts.id));
        }));
        self.cover_streams(facts.id);
        let mailbox = self.peer.mailbox.clone();
        connection.on_check_request(Box::new(move || {
            let _ = mailbox.send(Message::AckLate(facts.id));
        }));
        if connection.may_stall() {
            let mailbox = self.peer.mailbox.clone();
            connection.legacy_accept_stall().on_stall(Box::new(move || {
                let _ = mailbox.send(Message::Stalled(facts.id));
            }));
        }
        self.peer.remember(&connection);
        self.context.registry.clone().follow_paths(&connection);
        self.peer.join(&connection);
        (facts, ConnectionTask { context: self.context.clone(), peer: self.peer.clone(), connection })
    }

    /// Serves an adopted connection until its end. From now on, handlers can get the connection and its streams.
    pub(super) fn serve(&self, task: ConnectionTask) {
        if !task.connection.is_dialled() {
            self.context.registry.connection_accepted(&task.connection);
        }
        self.context.lifecycle.spawn(async move { task.run().await });
    }

    /// Grows the window of a connection for the streams that use it now.
    pub(super) fn cover_streams(&mut self, id: u64) {
        let Some(connection) = self.connection(id) else { return };
        loop {
            let cover = self.windows.cover(id, connection.active_count());
            if let Some(window) = cover.window {
                connection.set_receive_window(window);
            }
            // Once the peer's window is used up, only the end of a connection frees more.
            if cover.streams.is_none_or(|streams| connection.arm_threshold(streams)) {
                return;
            }
        }
    }

    pub(super) fn sample(&self, id: u64) -> Option<TrafficSnapshot> {
        let connection = self.connection(id)?;
        self.peer.remember(&connection);
        Some(connection.sample())
    }

    /// Removes closed connections. A caller may notice the end of the last connection before the actor does.
    pub(super) fn remove_closed(&mut self) {
        let ended = |(id, (connection, _)): (&u64, &(Connection, Instant))| (!connection.is_live()).then_some(*id);
        let ended: Vec<u64> = self.connections.iter().filter_map(ended).collect();
        for id in ended {
            if let Some(event) = self.remove_connection(id) {
                self.handle(event);
            }
        }
    }

    pub(super) fn remove_connection(&mut self, id: u64) -> Option<Event> {
        let (connection, since) = self.connections.remove(&id)?;
        for (other, window) in self.windows.remove(id) {
            self.connections[&other].0.set_receive_window(window);
        }
        let others: Vec<u64> = self.connections.keys().copied().collect();
        for other in others {
            self.cover_streams(other);
        }
        let here = connection.close_reason().is_some_and(|end| end.by == ClosedBy::Local);
        let abandoned = connection.is_handshake_abandoned();
        let useful = !abandoned && (here || connection.carried_streams() || since.elapsed() >= USEFUL_AFTER);
        let error = connection.lost_error();
        let permanent = error.code() == Code::Unauthorized;
        let is_loss = |end: CloseInfo| end.by != ClosedBy::Local && end.code != close::IDLE;
        if connection.is_abandoned() || connection.close_reason().is_some_and(is_loss) {
            self.failure = Some(Failure { error: connection.unopened_error(), attempted_at: since.into_std() });
        } else if useful {
            // An earlier failure says nothing about a peer that was reached since.
            self.failure = None;
            self.failures.clear();
        }
        Some(Event::Lost { id, useful: useful && !permanent, permanent })
    }

    pub(super) fn retire(&self, id: u64) {
        debug!(target: log_target::CONNECTION, peer = %self.peer.id(), connection = id, "retired");
        let Some(connection) = self.connection(id) else { return };
        if connection.is_dialled() {
            self.context.lifecycle.spawn(async move {
                tokio::select! {
                    () = connection.shut_when_unused() => {
                        connection.drained().await;
                        // The close discards a reset that is not sent yet. The peer would then open a stream again that a handler
                        // had: the close code promises that none had it.
                        connection.resets_sent().await;
                        connection.close_internal(close::SUPERSEDED, "new streams of this pair go over another connection");
                    }
                    _ = connection.closed() => {}
                }
            });
        }
    }

    /// Closes an unused connection. A concurrent use either keeps it, or goes over a new one.
    pub(super) fn end(&mut self, id: u64) {
        let Some(connection) = self.connection(id) else { return };
        if !connection.try_shut() {
            return self.handle(Event::Activated(id, connection.sample()));
        }
        self.handle(Event::Ended(id));
        self.context.lifecycle.spawn(async move {
            connection.drained().await;
            connection.close_internal(close::IDLE, "nothing used this connection");
        });
    }
}
