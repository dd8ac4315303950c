//! Connections that peers make: from the first packet to their peer's actor.

use std::sync::{Arc, atomic::Ordering};

use tracing::debug;

use crate::{
    connection::Connection,
    guard::Turned,
    logging::target,
    peer::Message,
    shared::Shared,
    wire::{alpn::Alpn, codes::close},
};

/// Accepts the connections that peers make, until the endpoint is closed.
pub(crate) async fn accept_connections(shared: Arc<Shared>, iroh: iroh::Endpoint) {
    let _held = shared.half_open.hold();
    // Dropped before that.
    let iroh = iroh;
    while let Some(Some(incoming)) = shared.ending.run_until_cancelled(iroh.accept()).await {
        let limits = *shared.limits();
        // Handshakes count: whoever begins them needs no key, and not even an address of his own.
        if !shared.is_listening() || shared.connections().len() + shared.handshakes() >= limits.connections {
            incoming.refuse();
            continue;
        }
        let task = shared.clone();
        let handshake = Handshake::begin(&shared);
        shared.spawn(async move {
            let half_open = task.half_open.begin();
            let Ok(accepting) = incoming.accept() else { return half_open.end() };
            let accepted = tokio::time::timeout(limits.connect.attempt_timeout, accepting);
            let Some(accepted) = task.ending.run_until_cancelled(accepted).await else { return };
            if accepted.is_ok() {
                half_open.end();
            } else {
                drop(half_open);
            }
            // What was made is counted as a connection.
            drop(handshake);
            match accepted {
                Ok(Ok(quic)) => task.welcome(quic).await,
                Ok(Err(error)) => debug!(target: target::ENDPOINT, %error, "a handshake failed"),
                Err(_) => debug!(target: target::ENDPOINT, "a handshake took too long"),
            }
        });
    }
}

/// Counts a connection that is being made, until this is dropped.
struct Handshake(Arc<Shared>);

impl Handshake {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.handshakes.fetch_add(1, Ordering::Relaxed);
        Self(shared.clone())
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.handshakes.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// Nothing is made for a peer that is not let in, and nothing is remembered of it.
    async fn welcome(self: &Arc<Self>, quic: iroh::endpoint::Connection) {
        let Some(alpn) = Alpn::from_bytes(quic.alpn()) else {
            quic.close(0u8.into(), b"unknown ALPN");
            return;
        };
        let connection = Connection::new(quic, alpn, false, &self.metrics);
        if let Err(Turned { code, reason }) = self.admit(&connection).await {
            debug!(target: target::ENDPOINT, peer = %connection.remote(), code, reason, "a connection is turned away");
            self.unlist(&connection);
            connection.close_own(code, reason);
            return;
        }
        let Ok(peer) = self.peer(connection.remote()) else {
            self.unlist(&connection);
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
            return;
        };
        self.inbound.offer(&connection);
        peer.tell(Message::Inbound(connection));
    }

    async fn admit(&self, connection: &Connection) -> Result<(), Turned> {
        self.list_if_room(connection)?;
        tokio::select! {
            // First: a peer that is let in and has gone already may have sent streams whole, and knows that they arrived.
            biased;
            answer = self.guard.check_peer(connection.remote()) => answer,
            // Its peer, a change of the lists, or the endpoint's end was quicker.
            info = connection.closed() => Err(Turned { code: info.code, reason: "it has ended" }),
        }
    }

    /// Lists a connection that a peer made, if the peer may and there is room for it: looked up, counted and listed under
    /// one lock, so that neither a change of who may nor another connection slips in between.
    fn list_if_room(&self, connection: &Connection) -> Result<(), Turned> {
        let limits = self.limits();
        let mut connections = self.connections();
        self.guard.check_lists(&connection.remote())?;
        let of_peer = connections.values().filter(|other| other.remote() == connection.remote()).count();
        if connections.len() >= limits.connections {
            return Err(Turned { code: close::LIMIT, reason: "too many connections" });
        }
        if of_peer >= limits.connections_per_peer {
            return Err(Turned { code: close::LIMIT, reason: "too many connections of this key" });
        }
        connections.insert(connection.id(), connection.clone());
        Ok(())
    }
}
