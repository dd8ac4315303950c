//! Connections that peers make: from the first packet to their peer's actor.

use std::sync::Arc;

use tracing::debug;

use crate::{
    connection::Connection,
    logging::target,
    peer::Message,
    shared::Shared,
    wire::{alpn::Alpn, codes::close},
};

/// Accepts the connections that peers make, until the endpoint is closed.
pub(crate) async fn accept_connections(shared: Arc<Shared>, iroh: iroh::Endpoint) {
    while let Some(incoming) = iroh.accept().await {
        let limits = *shared.limits();
        if !shared.is_listening() || shared.connections().len() >= limits.connections {
            incoming.refuse();
            continue;
        }
        let task = shared.clone();
        shared.spawn(async move {
            let Ok(accepting) = incoming.accept() else { return };
            match tokio::time::timeout(limits.connect.attempt_timeout, accepting).await {
                Ok(Ok(quic)) => task.welcome(quic),
                Ok(Err(error)) => debug!(target: target::ENDPOINT, %error, "a handshake failed"),
                Err(_) => debug!(target: target::ENDPOINT, "a handshake took too long"),
            }
        });
    }
}

impl Shared {
    fn welcome(self: &Arc<Self>, quic: iroh::endpoint::Connection) {
        let Some(alpn) = Alpn::from_bytes(quic.alpn()) else {
            quic.close(0u8.into(), b"unknown ALPN");
            return;
        };
        let connection = Connection::new(quic, alpn, false, &self.metrics);
        let Ok(peer) = self.peer(connection.remote()) else {
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
            return;
        };
        if !self.admit(&connection) {
            debug!(target: target::ENDPOINT, peer = %connection.remote(), "turned away: too many connections");
            connection.close_own(close::LIMIT, "too many connections");
            return;
        }
        self.inbound.offer(&connection);
        peer.tell(Message::Inbound(connection));
    }

    /// Lists a connection that a peer made, if there is room for it: counted and listed under one lock.
    fn admit(&self, connection: &Connection) -> bool {
        let limits = self.limits();
        let mut connections = self.connections();
        let of_peer = connections.values().filter(|other| other.remote() == connection.remote()).count();
        let room = connections.len() < limits.connections && of_peer < limits.connections_per_peer;
        if room {
            connections.insert(connection.id(), connection.clone());
        }
        room
    }
}
