//! Pings to a peer, on whichever connection it has.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::time;

use super::Endpoint;
use crate::{
    deadline::after,
    error::{Code, Error, Result},
    peer::Peer,
    stream::CONNECTION_FULL,
};

impl Endpoint {
    /// Round-trip time to a peer, answered by its core. Dials if need be, for at most `limit`; pings again where the peer turns
    /// out to have restarted. Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::connect`]; `ERR_PING` when no or a wrong answer came.
    pub async fn ping(&self, peer: &Peer, limit: Duration) -> Result<Duration> {
        let until = after(time::Instant::now(), limit);
        loop {
            let view = self.connection_guard(peer, until - time::Instant::now()).await?;
            let (limit, blocked) = (self.limits().ping_timeout, AtomicBool::new(false));
            match time::timeout(limit, view.with_liveness_checks(view.ping_and_tell(&blocked))).await {
                Ok(Err(_)) if view.is_abandoned() && time::Instant::now() < until => {}
                Ok(answer) => return answer,
                Err(_) => {
                    let advice = if blocked.load(Ordering::Relaxed) { CONNECTION_FULL } else { "" };
                    let text = format!("the peer did not answer a ping within {} s{advice}", limit.as_secs_f32());
                    return Err(Error::new(Code::Ping, text));
                }
            }
        }
    }
}
