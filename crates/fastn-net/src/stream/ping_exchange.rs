//! Pings: docs/wire.md, Ping.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use tokio::time;

use super::open::Opening;
use crate::{
    connection::{ActiveGuard, Connection},
    error::{Code, Error, Result},
    protocol::Protocol,
    wire::{ack::PONG, header},
};

/// After this an answer is late, and the connection is checked; again after twice that time, and so on.
const LATE_ANSWER: Duration = Duration::from_millis(250);

/// Time limit of an answer from a connection that a caller requested. After it, the caller gets the connection anyway.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// Advice when not even a header fits in the peer's receive window.
pub(crate) const CONNECTION_FULL: &str =
    ": it must read or stop the other streams, whose unread data fills its receive window";

impl Connection {
    /// Waits for an answer of the peer. While that is late, the connection is checked.
    pub(crate) async fn with_check_requests<T>(&self, answer: impl Future<Output = T>) -> T {
        let (mut answer, mut late) = (pin!(answer), LATE_ANSWER);
        loop {
            match time::timeout(late, &mut answer).await {
                Ok(answer) => return answer,
                Err(_) => self.request_check(),
            }
            late *= 2;
        }
    }

    /// Pings the peer. Returns false if the connection has ended, and true if the peer is only slow.
    pub(crate) async fn seems_alive(&self) -> bool {
        if !self.responds_within(LATE_ANSWER).await {
            self.request_check();
            let _ = time::timeout(SIGN_OF_LIFE, self.closed()).await;
        }
        self.is_live()
    }

    /// Pings the peer and returns the round-trip time. Cancel-safe. Has no time limit of its own.
    ///
    /// # Errors
    ///
    /// `ERR_PING` for a wrong answer, `ERR_CONNECTION_LOST`, and the error of a refusal.
    pub async fn ping(&self) -> Result<Duration> {
        self.ping_and_tell(&AtomicBool::new(false)).await
    }

    /// `blocked` is true while the connection has no room for the ping.
    pub(crate) async fn ping_and_tell(&self, blocked: &AtomicBool) -> Result<Duration> {
        let used = self.acquire().ok_or_else(|| self.lost_error())?;
        self.exchange_ping(Some(used), blocked).await
    }

    /// Same for the peer's actor. Does not count as use of the connection.
    pub(crate) async fn beat(&self) -> Result<Duration> {
        self.exchange_ping(None, &AtomicBool::new(false)).await
    }

    async fn exchange_ping(&self, used: Option<ActiveGuard>, blocked: &AtomicBool) -> Result<Duration> {
        let started = Instant::now();
        let header = header::encode(&Protocol::Ping, None)?;
        let mut stream = self.open_as(&header, used, Opening::PING).await.map_err(|(error, _)| error)?;
        blocked.store(true, Ordering::Relaxed);
        self.send_header(&mut stream).await.map_err(|(error, _)| error)?;
        blocked.store(false, Ordering::Relaxed);
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
            self.counters().ping_times.observe(time);
            return Ok(time);
        }
        let text = String::from_utf8_lossy(&answer[..count]).into_owned();
        Err(Error::new(Code::Ping, format!("the peer answered a ping with {text:?} and not with \"pong\\n\"")))
    }
}
