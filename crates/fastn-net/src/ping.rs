//! Pings: docs/wire.md, Ping.

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use crate::{
    connection::{Connection, Use},
    error::{Code, Error, Result},
    protocol::Protocol,
    wire::{ack::PONG, header},
};

impl Connection {
    /// Asks the peer for a sign of life and gives the round-trip time. Cancel safe. Without a time limit of its own.
    ///
    /// # Errors
    ///
    /// `ERR_PING` for a wrong answer, `ERR_CONNECTION_LOST`, and what the peer refused with.
    pub async fn ping(&self) -> Result<Duration> {
        let used = self.enter().ok_or_else(|| self.lost_error())?;
        self.exchange_ping(Some(used)).await
    }

    /// The same for the peer's actor: it is no use of the connection, and ends no idleness.
    pub(crate) async fn beat(&self) -> Result<Duration> {
        self.exchange_ping(None).await
    }

    async fn exchange_ping(&self, used: Option<Use>) -> Result<Duration> {
        let started = Instant::now();
        let header = header::encode(&Protocol::Ping, None)?;
        let mut stream = self.open_as(&header, used).await.map_err(|(error, _)| error)?;
        // Our sending half stays open until the answer is there (docs/wire.md, Ping).
        let mut answer = [0; PONG.len() + 1];
        let mut count = 0;
        loop {
            let read = poll_fn(|cx| stream.poll_read(cx, &mut answer[count..])).await?;
            count += read.count;
            if read.end || count == answer.len() {
                break;
            }
        }
        stream.finish();
        if &answer[..count] == PONG {
            let time = started.elapsed();
            self.metrics().ping_answered_after(time);
            return Ok(time);
        }
        let text = String::from_utf8_lossy(&answer[..count]).into_owned();
        Err(Error::new(Code::Ping, format!("the peer answered a ping with {text:?} and not with \"pong\\n\"")))
    }
}
