//! Runs a peer's actor, and replaces one that panicked.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tracing::error;

use super::{Message, Peer, PeerContext, PeerState, PeerStatus, actor, mailbox::Messages};
use crate::{
    error::{Code, Error},
    log_target,
    wire::codes::close,
};

/// Pause before a panicked actor is replaced, so that repeated panics do not keep a thread busy.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs until the actor ends by itself.
pub(super) async fn run(context: Arc<PeerContext>, peer: Arc<Peer>, mut messages: Messages) {
    loop {
        let actor = AssertUnwindSafe(actor::run(context.clone(), peer.clone(), &mut messages));
        if actor.catch_unwind().await.is_ok() {
            break;
        }
        error!(target: log_target::PEER, peer = %peer.id(), "the actor panicked, and is replaced");
        context.counters.actor_panics.add(1);
        close_orphans(&context, &peer);
        if context.lifecycle.is_closing() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    // Reject pending messages like later ones.
    messages.close().into_iter().for_each(Message::reject);
}

/// Closes the orphaned connections of a panicked actor, so that the peer notices.
fn close_orphans(context: &PeerContext, peer: &Peer) {
    peer.prefer(None);
    for connection in peer.connections() {
        connection.close_internal(close::PLAIN, "a defect on the other side");
    }
    peer.publish(PeerStatus { state: PeerState::Idle, last_error: Some(panicked()), ..PeerStatus::default() });
    context.registry.peer_changed(&peer.id());
}

/// The error of a request whose actor panicked.
pub(super) fn panicked() -> Error {
    let text = "a defect in this library ended all work with this peer; the next call starts afresh. Please report it";
    Error::new(Code::Internal, text)
}
