//! Incoming streams, from the first byte to the queue of their listener.
//!
//! A silent, slow, oversized or broken header ends its own stream and delays no other. The connection's task handles a header that has
//! already arrived. Any other header gets a task and a time limit.
//!
//! - `header`: reads the header line
//! - `reserve`: finds the listener, authorizes, and acquires a permit of the queue
//! - `delivery`: sends the ack and queues the stream
//! - `reauthorize`: repeats the authorization of queued streams

mod delivery;
mod header;
mod reauthorize;
mod reserve;

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use iroh::endpoint::{RecvStream, SendStream, VarInt, WriteError};
use tracing::debug;

use crate::{
    authorization::Authorization,
    config::Limits,
    connection::{ActiveGuard, Connection},
    counters::Counters,
    lifecycle::Lifecycle,
    log_target,
    protocol::Protocol,
    quota::{HeaderBytes, NegotiationPermit, Quota},
    routing::{QueuePermit, Router, StreamQueue},
    wire::{
        ack::{ACK, PONG},
        codes::reset,
        line::LineBuffer,
        refusal::Refusal,
    },
};

/// Longest time that an unsent ack waits in the queue of a busy listener.
const FLUSH_AFTER: Duration = Duration::from_millis(20);

/// The parts of an endpoint that negotiations use.
#[derive(Debug)]
pub(crate) struct Negotiator {
    limits: Limits,
    lifecycle: Arc<Lifecycle>,
    counters: Arc<Counters>,
    router: Arc<Router>,
    authorization: Arc<Authorization>,
}

impl Negotiator {
    pub(crate) fn new(
        limits: Limits,
        lifecycle: Arc<Lifecycle>,
        counters: Arc<Counters>,
        router: Arc<Router>,
        authorization: Arc<Authorization>,
    ) -> Self {
        Self { limits, lifecycle, counters, router, authorization }
    }

    /// Negotiates the streams of one connection until it ends.
    pub(crate) async fn serve(self: Arc<Self>, quota: Arc<Quota>, connection: Connection) {
        // After the close this still yields the streams that arrived before it.
        while let Ok((send, recv)) = connection.accept().await {
            let negotiation = Negotiation::new(&self, &quota, &connection, send, recv);
            let mut negotiation = Box::pin(negotiation.negotiate());
            if poll_fn(|cx| Poll::Ready(negotiation.as_mut().poll(cx))).await.is_pending() {
                self.lifecycle.spawn_boxed(negotiation);
            }
        }
    }

    /// Sends the unsent acks of queued streams after [`FLUSH_AFTER`].
    fn flush_later(&self, queue: &Arc<StreamQueue>) {
        if queue.needs_flush() {
            let queue = queue.clone();
            self.lifecycle.spawn(async move {
                tokio::time::sleep(FLUSH_AFTER).await;
                queue.flush();
            });
        }
    }
}

/// An incoming stream that is not acknowledged yet.
struct Negotiation {
    negotiator: Arc<Negotiator>,
    quota: Arc<Quota>,
    connection: Connection,
    send: SendStream,
    recv: RecvStream,
    line: LineBuffer,
    /// Set while this stream waits and is not counted as open.
    wait_permit: Option<NegotiationPermit>,
    /// Set while this stream waits with its header in memory.
    header_bytes: Option<HeaderBytes>,
    header_length: usize,
    /// Whether the peer's stream quota counts it as open.
    has_stream_permit: bool,
    /// Bytes received after the header.
    rest: Vec<u8>,
}

/// A stream that may be queued.
struct Admitted {
    permit: QueuePermit,
    /// Index among the listener's protocols; `None` for the fallback.
    route: Option<usize>,
    active: ActiveGuard,
    /// Authorization epoch whose answers admit the stream.
    epoch: u64,
}

/// Why a stream is not served.
enum Unserved {
    /// The peer gets this refusal.
    Refused(Refusal),
    /// The peer ended the stream, or cannot be reached.
    Gone,
}

impl Negotiation {
    fn new(
        negotiator: &Arc<Negotiator>,
        quota: &Arc<Quota>,
        connection: &Connection,
        send: SendStream,
        recv: RecvStream,
    ) -> Self {
        Self {
            negotiator: negotiator.clone(),
            quota: quota.clone(),
            connection: connection.clone(),
            send,
            recv,
            line: LineBuffer::new(negotiator.limits.max_header_bytes),
            wait_permit: None,
            header_bytes: None,
            header_length: 0,
            has_stream_permit: false,
            rest: Vec::new(),
        }
    }

    async fn negotiate(mut self) {
        let unserved = match self.header().await {
            Ok(Protocol::Ping) => self.write_all(&[ACK, PONG].concat()).await.err(),
            Ok(protocol) => match self.reserve(&protocol).await {
                Ok(admitted) => return self.deliver(admitted, protocol).await,
                Err(unserved) => Some(unserved),
            },
            Err(unserved) => Some(unserved),
        };
        match unserved {
            // Dropping the halves ends the stream: a FIN after the written bytes, and STOP_SENDING for unread ones.
            None => {}
            Some(Unserved::Refused(refusal)) => {
                let (peer, connection) = (self.connection.remote(), self.connection.id());
                let stream = u64::from(self.send.id());
                debug!(target: log_target::STREAM, %peer, connection, stream, code = refusal.word, "refused");
                self.negotiator.counters.refusal_sent(&refusal.word);
                if self.write_all(&refusal.encode()).await.is_err() {
                    self.reset();
                }
            }
            Some(Unserved::Gone) => self.reset(),
        }
    }

    /// Resets the sending half. Does nothing if it has ended.
    fn reset(&mut self) {
        let _ = self.send.reset(VarInt::from_u64(reset::ABANDONED).unwrap_or(VarInt::MAX));
    }

    /// Waits, unless the peer resets the stream. A reset stream reaches no listener.
    async fn unless_reset<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, Unserved> {
        let mut wait = pin!(wait);
        tokio::select! {
            got = &mut wait => return Ok(got),
            reset = self.recv.received_reset() => if !matches!(reset, Ok(None)) { return Err(Unserved::Gone) },
        }
        Ok(wait.await)
    }

    /// Writes what flow control allows now. Returns the number of bytes.
    fn try_write(&mut self, bytes: &[u8]) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.send).poll_write(&mut cx, bytes) {
            Poll::Ready(Ok(count)) => count,
            _ => 0,
        }
    }

    /// Writes all bytes within the header timeout: a peer whose flow control blocks them must not hold a queue permit for longer.
    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Unserved> {
        let limit = self.negotiator.limits.header_timeout;
        // Usually there is room at once.
        bytes = &bytes[self.try_write(bytes)..];
        if bytes.is_empty() {
            return Ok(());
        }
        self.begin_waiting().map_err(|_| Unserved::Gone)?;
        let send = &mut self.send;
        let written = async {
            while !bytes.is_empty() {
                match poll_fn(|cx| Pin::new(&mut *send).poll_write(cx, bytes)).await {
                    Ok(count) => bytes = &bytes[count..],
                    // The peer wants no answer. The stream is delivered nevertheless.
                    Err(WriteError::Stopped(_)) => return Ok(()),
                    Err(_) => return Err(Unserved::Gone),
                }
            }
            Ok(())
        };
        tokio::time::timeout(limit, written).await.unwrap_or(Err(Unserved::Gone))
    }
}

fn refused(word: &str, message: impl Into<String>) -> Unserved {
    Unserved::Refused(Refusal::new(word, message))
}
