//! Connections that peers make: from the first packet to their peer's actor.

use std::sync::Arc;

use iroh::endpoint::Incoming;
use tracing::debug;

use super::{
    EndpointInner,
    handshakes::{Admission, HandshakePermit, LONGEST},
};
use crate::{
    authorization::Rejection,
    connection::Connection,
    peer::Message,
    target,
    wire::{alpn::Alpn, codes::close},
};

/// Accepts the connections that peers make, until the endpoint's connections are closed.
pub(crate) async fn accept_connections(inner: Arc<EndpointInner>, iroh: iroh::Endpoint) {
    let _held = inner.transport.half_open.hold();
    // Dropped before that.
    let iroh = iroh;
    while let Some(Some(incoming)) = inner.lifecycle.connections_closed.run_until_cancelled(iroh.accept()).await {
        // A peer learns from this that nothing listens. One that comes when the endpoint is full or shuts down learns that from
        // the code of a close, which only an accepted connection can carry.
        if !inner.answers_handshakes() {
            incoming.refuse();
            continue;
        }
        match inner.handshakes.admit(&incoming) {
            Admission::Accept(permit) => {
                let task = inner.clone();
                inner.lifecycle.spawn(async move { task.shake_hands(incoming, permit).await });
            }
            // It fails for a proven address only, which is not asked for a proof.
            Admission::Retry => drop(incoming.retry()),
            Admission::Ignore => incoming.ignore(),
        }
    }
}

impl EndpointInner {
    async fn shake_hands(self: &Arc<Self>, incoming: Incoming, permit: HandshakePermit) {
        let half_open = self.transport.half_open.begin();
        let inbound = self.transport.half_open.begin_inbound();
        let Ok(accepting) = incoming.accept() else {
            permit.release();
            return half_open.end();
        };
        let accepted = tokio::time::timeout(LONGEST, accepting);
        let accepted = self.transport.half_open.unless_expired(accepted);
        let Some(accepted) = permit.unless_evicted(accepted).await else {
            debug!(target: target::ENDPOINT, "a handshake gives way to a newer one");
            return;
        };
        let Some(accepted) = accepted else { return };
        if accepted.is_ok() {
            half_open.end();
        } else {
            drop(half_open);
        }
        match accepted {
            // A task of its own: the handshake's is larger, and ends here.
            Ok(Ok(quic)) => {
                permit.release();
                let inner = self.clone();
                self.lifecycle.spawn(async move {
                    inner.welcome(quic).await;
                    drop(inbound);
                });
            }
            Ok(Err(error)) => debug!(target: target::ENDPOINT, %error, "a handshake failed"),
            Err(_) => debug!(target: target::ENDPOINT, "a handshake took too long"),
        }
    }

    /// Nothing is made for a peer that is not let in, and nothing is remembered of it.
    async fn welcome(self: &Arc<Self>, quic: iroh::endpoint::Connection) {
        let Some(alpn) = Alpn::from_bytes(quic.alpn()) else {
            quic.close(0u8.into(), b"unknown ALPN");
            return;
        };
        let connection = Connection::new(quic, alpn, false, &self.counters);
        if let Err(Rejection { code, reason }) = self.admit(&connection).await {
            debug!(target: target::ENDPOINT, peer = %connection.remote(), code, reason, "a connection is turned away");
            self.connections.remove(&connection);
            connection.close_internal(code, reason);
            return;
        }
        let peer = match self.inbound_peer(connection.remote()) {
            Ok(peer) => peer,
            Err(Rejection { code, reason }) => {
                self.connections.remove(&connection);
                connection.close_internal(code, reason);
                return;
            }
        };
        self.connection_queue.offer(&connection);
        peer.tell(Message::Inbound(connection));
    }

    async fn admit(&self, connection: &Connection) -> Result<(), Rejection> {
        self.list_if_room(connection)?;
        // Read the epoch after listing the connection: a later epoch change finds it listed, and requests authorization again.
        let epoch = self.authorization.epoch();
        tokio::select! {
            // First: a peer that is let in and has gone already may have sent streams whole, and knows that they arrived.
            biased;
            answer = self.authorization.check_peer(connection.remote()) => {
                answer?;
                connection.set_admission(epoch, true);
                Ok(())
            }
            // Its peer, a change of the lists, or the endpoint's end was quicker.
            info = connection.closed() => Err(Rejection { code: info.code, reason: "it has ended" }),
        }
    }

    /// Lists a connection that a peer made, if the peer may and there is room for it: looked up, counted and listed under
    /// one lock, so that neither a change of who may nor another connection slips in between.
    fn list_if_room(&self, connection: &Connection) -> Result<(), Rejection> {
        let limits = self.limits();
        let mut connections = self.connections.lock();
        // Check this first: a listed connection gets the close code when the endpoint closes its connections.
        if self.is_shutting_down() {
            return Err(SHUTDOWN);
        }
        self.authorization.check_lists(&connection.remote())?;
        let of_peer = connections.values().filter(|other| other.remote() == connection.remote()).count();
        if connections.len() >= limits.max_connections {
            return Err(Rejection { code: close::LIMIT, reason: "too many connections" });
        }
        if of_peer >= limits.max_connections_per_peer {
            return Err(Rejection { code: close::LIMIT, reason: "too many connections of this key" });
        }
        connections.insert(connection.id(), connection.clone());
        Ok(())
    }
}

/// Rejection of a peer that connects while this endpoint shuts down.
pub(crate) const SHUTDOWN: Rejection = Rejection { code: close::SHUTDOWN, reason: "this endpoint is shutting down" };
