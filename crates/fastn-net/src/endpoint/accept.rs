//! Inbound connections, from the first packet to the peer's actor.

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
    log_target,
    peer::Message,
    wire::{alpn::Alpn, codes::close},
};

/// Accepts inbound connections until the endpoint closes its connections.
pub(crate) async fn accept_connections(inner: Arc<EndpointInner>, iroh: iroh::Endpoint) {
    let _held = inner.transport.half_open.hold();
    // Dropped before `_held`.
    let iroh = iroh;
    while let Some(Some(incoming)) = inner.lifecycle.connections_closed.run_until_cancelled(iroh.accept()).await {
        // The refusal tells the peer that nothing listens. A full or closing endpoint completes the handshake instead: only an
        // established connection can carry a close code.
        if !inner.answers_handshakes() {
            incoming.refuse();
            continue;
        }
        match inner.handshakes.admit(&incoming) {
            Admission::Accept(permit) => {
                let task = inner.clone();
                inner.lifecycle.spawn(async move { task.complete_handshake(incoming, permit).await });
            }
            // Fails only for a validated address, which never gets a Retry.
            Admission::Retry => drop(incoming.retry()),
            Admission::Ignore => incoming.ignore(),
        }
    }
}

impl EndpointInner {
    async fn complete_handshake(self: &Arc<Self>, incoming: Incoming, permit: HandshakePermit) {
        let half_open = self.transport.half_open.begin();
        let inbound = self.transport.half_open.begin_inbound();
        let Ok(accepting) = incoming.accept() else {
            permit.release();
            return half_open.end();
        };
        let accepted = tokio::time::timeout(LONGEST, accepting);
        let accepted = self.transport.half_open.unless_expired(accepted);
        let Some(accepted) = permit.unless_evicted(accepted).await else {
            debug!(target: log_target::ENDPOINT, "handshake evicted by a newer one");
            return;
        };
        let Some(accepted) = accepted else { return };
        if accepted.is_ok() {
            half_open.end();
        } else {
            drop(half_open);
        }
        match accepted {
            // In a new task: the handshake's task holds more memory, and ends here.
            Ok(Ok(quic)) => {
                permit.release();
                let inner = self.clone();
                self.lifecycle.spawn(async move {
                    inner.admit_connection(quic).await;
                    drop(inbound);
                });
            }
            Ok(Err(error)) => debug!(target: log_target::ENDPOINT, %error, "handshake failed"),
            Err(_) => debug!(target: log_target::ENDPOINT, "handshake timed out"),
        }
    }

    /// Admits the connection, and hands it to its peer's actor. Keeps no state for a rejected peer.
    async fn admit_connection(self: &Arc<Self>, quic: iroh::endpoint::Connection) {
        let Some(alpn) = Alpn::from_bytes(quic.alpn()) else {
            quic.close(0u8.into(), b"unknown ALPN");
            return;
        };
        let connection = Connection::new(quic, self.id(), alpn, false, &self.counters, &self.lifecycle);
        let admitted = self.admit(&connection).await;
        match admitted.and_then(|()| self.inbound_peer(connection.remote())) {
            Ok(peer) => peer.tell(Message::Inbound(connection)),
            Err(rejection) => self.reject(&connection, &rejection),
        }
    }

    fn reject(&self, connection: &Connection, &Rejection { close_code, reason }: &Rejection) {
        debug!(target: log_target::ENDPOINT, peer = %connection.remote(), code = close_code, reason, "connection rejected");
        if connection.is_live() {
            self.counters.connection_rejected(close_code);
        }
        self.connections.remove(connection);
        connection.close_internal(close_code, reason);
    }

    async fn admit(&self, connection: &Connection) -> Result<(), Rejection> {
        self.register_if_room(connection)?;
        // Read the epoch after listing the connection: a later epoch change finds it listed, and requests authorization again.
        let epoch = self.authorization.epoch();
        tokio::select! {
            // First: an admitted peer may have sent complete streams and closed. It knows that they arrived.
            biased;
            answer = self.authorization.check_peer(connection.remote()) => {
                answer?;
                connection.set_admission(epoch, true);
                Ok(())
            }
            // The peer, a change of the access lists, or the endpoint's close was faster.
            info = connection.closed() => Err(Rejection { close_code: info.code, reason: "it has ended" }),
        }
    }

    /// Registers an inbound connection if the lists admit its peer and the limits allow it. Holds the lock throughout, so that
    /// neither a change of the lists nor another connection interleaves.
    fn register_if_room(&self, connection: &Connection) -> Result<(), Rejection> {
        let limits = self.limits();
        let mut connections = self.connections.lock();
        // Check first: `close_all` closes registered connections only.
        if self.is_shutting_down() {
            return Err(SHUTDOWN);
        }
        self.authorization.check_connection(&connection.remote())?;
        let of_peer = connections.values().filter(|other| other.remote() == connection.remote()).count();
        if connections.len() >= limits.max_connections {
            return Err(Rejection { close_code: close::LIMIT, reason: "too many connections" });
        }
        if of_peer >= limits.max_connections_per_peer {
            return Err(Rejection { close_code: close::LIMIT, reason: "too many connections of this key" });
        }
        connections.insert(connection.id(), connection.clone());
        Ok(())
    }
}

/// Rejection of a peer that connects while this endpoint shuts down.
pub(crate) const SHUTDOWN: Rejection =
    Rejection { close_code: close::SHUTDOWN, reason: "this endpoint is shutting down" };
