//! The task of one connection, from its adoption to its end.

use std::sync::Arc;

use tracing::info;

use super::{Message, Peer, PeerContext};
use crate::{
    connection::{CloseInfo, Connection},
    log_target,
    wire::codes::close,
};

/// Serves a connection. When dropped, even by a panic, closes the connection and tells the actor.
pub(super) struct ConnectionTask {
    pub(super) context: Arc<PeerContext>,
    pub(super) peer: Arc<Peer>,
    pub(super) connection: Connection,
}

impl ConnectionTask {
    pub(super) async fn run(&self) {
        let accept = async {
            if self.connection.alpn().is_native() || !self.connection.is_dialled() {
                (self.context.serve)(self.peer.quota.clone(), self.connection.clone()).await;
            }
            self.connection.closed().await;
        };
        let deadlines = self.connection.ack_deadlines().run(self.context.limits.ack_timeout);
        let served = async {
            tokio::select! {
                () = accept => {}
                () = deadlines => {}
            }
        };
        self.connection.deliveries().drive(served).await;
    }
}

impl Drop for ConnectionTask {
    fn drop(&mut self) {
        self.connection.close_internal(close::PLAIN, "this connection is no longer served");
        if let Some(info) = self.connection.close_reason() {
            self.context.counters.connection_closed(info.by.as_str(), info.code);
        }
        self.peer.leave(&self.connection);
        self.context.registry.connection_ended(&self.connection);
        if let Some(CloseInfo { code, reason, by }) = self.connection.close_reason() {
            let (peer, connection) = (self.peer.id(), self.connection.id());
            info!(target: log_target::CONNECTION, %peer, connection, by = by.as_str(), code, reason, "closed");
        }
        self.connection.release_quic();
        self.peer.tell(Message::Lost(self.connection.id()));
    }
}
