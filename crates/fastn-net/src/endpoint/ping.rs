//! Pings to a peer.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::time;

use super::Endpoint;
use crate::{
    connection::ConnectionGuard,
    deadline::{after, limit_text, within},
    error::{Code, Error, Result},
    peer::Peer,
    stream::CONNECTION_FULL,
};

impl Endpoint {
    /// Pings a peer and returns the round-trip time. The peer's core answers. Dials if there is no connection. Pings again if the
    /// connection turns out to be dead. Takes at most `limit`; the answer also at most
    /// [`Limits::ping_timeout`](crate::Limits::ping_timeout). Cancel-safe.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::connect`]; `ERR_PING` for a wrong answer, or none in time.
    pub async fn ping(&self, peer: &Peer, limit: Duration) -> Result<Duration> {
        let until = after(time::Instant::now(), limit);
        loop {
            let guard = self.connection_guard(peer, until - time::Instant::now()).await?;
            let limit = self.limits().ping_timeout.min(until - time::Instant::now());
            let blocked = AtomicBool::new(false);
            match within(limit, guard.with_check_requests(guard.ping_and_tell(&blocked))).await {
                Some(Err(_)) if is_worth_another(&guard) && time::Instant::now() < until => {}
                Some(answer) => return answer,
                None => return Err(unanswered(limit, &blocked)),
            }
        }
    }
}

/// Whether another ping may succeed: the peer has restarted, or the dial has failed.
fn is_worth_another(guard: &ConnectionGuard) -> bool {
    guard.is_abandoned() || guard.is_handshake_abandoned()
}

fn unanswered(limit: Duration, blocked: &AtomicBool) -> Error {
    let advice = if blocked.load(Ordering::Relaxed) { CONNECTION_FULL } else { "" };
    Error::new(Code::Ping, format!("the peer did not answer a ping within {}{advice}", limit_text(limit)))
}
