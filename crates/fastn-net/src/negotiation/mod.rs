//! Streams that the other side opens: from the first byte to their listener.
//!
//! Framing belongs to the stream: a silent, slow, oversized or broken header ends its own stream and
//! delays no other. A header that is there already is handled in the connection's own task; one that
//! is not gets a task of its own, with a time limit.
//!
//! - `header`: its first line
//! - `place`: who serves it, whether it may, and a place in the queue
//! - `delivery`: its ack, and the stream into the queue
//! - `reauthorize`: asking again about a stream that has a place with its listener

mod delivery;
mod header;
mod place;
mod reauthorize;

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
    protocol::Protocol,
    quota::{HeaderBytes, NegotiationPermit, Quota},
    routing::{Queue, QueuePermit, Router},
    target,
    wire::{
        ack::{ACK, PONG},
        line::LineBuffer,
        refusal::Refusal,
    },
};

/// Longest time that an ack waits in the queue of a busy listener.
const FLUSH_AFTER: Duration = Duration::from_millis(20);

/// The code of `wire::codes::reset` that older peers also use.
const ABANDONED: VarInt = VarInt::from_u32(0);

/// What negotiations need of their endpoint.
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

    /// Accepts the streams of one connection until it ends.
    pub(crate) async fn serve(self: Arc<Self>, quota: Arc<Quota>, connection: Connection) {
        // Streams that arrived before the close are still accepted after it.
        while let Ok((send, recv)) = connection.accept().await {
            let negotiation = Negotiation::new(&self, &quota, &connection, send, recv);
            let mut negotiation = Box::pin(negotiation.negotiate());
            if poll_fn(|cx| Poll::Ready(negotiation.as_mut().poll(cx))).await.is_pending() {
                self.lifecycle.spawn(negotiation);
            }
        }
    }

    /// Sends the acks of queued streams after a delay, unless a listener has taken the streams by then.
    fn flush_later(&self, queue: &Arc<Queue>) {
        if queue.needs_flush() {
            let queue = queue.clone();
            self.lifecycle.spawn(async move {
                tokio::time::sleep(FLUSH_AFTER).await;
                queue.flush();
            });
        }
    }
}

/// A stream that is not acknowledged yet.
struct Negotiation {
    negotiator: Arc<Negotiator>,
    quota: Arc<Quota>,
    connection: Connection,
    send: SendStream,
    recv: RecvStream,
    line: LineBuffer,
    /// Once this stream waits for something without being counted as open.
    pending: Option<NegotiationPermit>,
    /// Set while this stream waits with its header in memory.
    header_bytes: Option<HeaderBytes>,
    header_length: usize,
    counted: bool,
    /// Bytes received after the header.
    rest: Vec<u8>,
}

/// A stream's place with its listener.
struct Placed {
    place: QueuePermit,
    index: Option<usize>,
    used: ActiveGuard,
    /// Authorization epoch that admitted the stream.
    epoch: u64,
}

/// Why a stream is not served.
enum Unserved {
    /// The peer gets a refusal.
    Refused(Refusal),
    /// The peer ended it itself, or cannot be told.
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
            pending: None,
            header_bytes: None,
            header_length: 0,
            counted: false,
            rest: Vec::new(),
        }
    }

    async fn negotiate(mut self) {
        let turned = match self.header().await {
            Ok(Protocol::Ping) => self.write_all(&[ACK, PONG].concat()).await.err(),
            Ok(protocol) => match self.place(&protocol).await {
                Ok(placed) => return self.deliver(placed, protocol).await,
                Err(turned) => Some(turned),
            },
            Err(turned) => Some(turned),
        };
        match turned {
            // Dropping the halves ends the stream: FIN behind what was written, STOP_SENDING for the rest.
            None => {}
            Some(Unserved::Refused(refusal)) => {
                let (peer, connection) = (self.connection.remote(), self.connection.id());
                let stream = u64::from(self.send.id());
                debug!(target: target::STREAM, %peer, connection, stream, code = refusal.code, "refused");
                self.negotiator.counters.refusal_sent(&refusal.code);
                if self.write_all(&refusal.encode()).await.is_err() {
                    let _ = self.send.reset(ABANDONED);
                }
            }
            Some(Unserved::Gone) => {
                let _ = self.send.reset(ABANDONED);
            }
        }
    }

    /// A peer that gives up waiting is not handed to anyone.
    async fn unless_reset<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, Unserved> {
        let mut wait = pin!(wait);
        tokio::select! {
            got = &mut wait => return Ok(got),
            reset = self.recv.received_reset() => if !matches!(reset, Ok(None)) { return Err(Unserved::Gone) },
        }
        Ok(wait.await)
    }

    /// How many of the bytes could be written at once.
    fn try_write(&mut self, bytes: &[u8]) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.send).poll_write(&mut cx, bytes) {
            Poll::Ready(Ok(count)) => count,
            _ => 0,
        }
    }

    /// A peer that gives no room for these few bytes must not hold a place with a listener: it has as long as for its header.
    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Unserved> {
        let limit = self.negotiator.limits.header_timeout;
        // Mostly there is room.
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
                    // A peer that stopped the stream wants no answer. The stream is delivered nevertheless.
                    Err(WriteError::Stopped(_)) => return Ok(()),
                    Err(_) => return Err(Unserved::Gone),
                }
            }
            Ok(())
        };
        tokio::time::timeout(limit, written).await.unwrap_or(Err(Unserved::Gone))
    }
}

fn away(code: &str, message: impl Into<String>) -> Unserved {
    Unserved::Refused(Refusal { code: code.to_owned(), message: message.into() })
}
