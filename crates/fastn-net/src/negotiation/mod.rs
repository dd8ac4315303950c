//! Streams that the other side opens: from the first byte to their listener.
//!
//! Framing belongs to the stream: a silent, slow, oversized or broken header ends its own stream and
//! delays no other. A header that is there already is handled in the connection's own task; one that
//! is not gets a task of its own, with a time limit.
//!
//! - `reauthorize`: asking again about a stream that has a place with its listener

mod reauthorize;

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
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
    routing::{IncomingStream, Queue, QueuePermit, Route, Router},
    stream::Stream,
    target,
    wire::{
        ack::{ACK, PONG},
        alpn::Alpn,
        header,
        line::{Feed, LineBuffer},
        refusal::{Refusal, code},
    },
};

/// Most that is read to see whether a stream came whole before its connection ended: what flow control let through.
const WHOLE_BYTES: usize = 2 * 1024 * 1024;

/// How long an acknowledgement waits at most in the queue of a listener that is busy elsewhere.
const FLUSH_AFTER: Duration = Duration::from_millis(20);

/// The code of `wire::codes::reset` that older peers know as well.
const LET_GO: VarInt = VarInt::from_u32(0);

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
        // Streams that came before the connection ended are still accepted behind its end.
        while let Ok((send, recv)) = connection.accept().await {
            let negotiation = Negotiation::new(&self, &quota, &connection, send, recv);
            let mut negotiation = Box::pin(negotiation.negotiate());
            if poll_fn(|cx| Poll::Ready(negotiation.as_mut().poll(cx))).await.is_pending() {
                self.lifecycle.spawn(negotiation);
            }
        }
    }

    /// Sends the acknowledgements that wait in a queue in a while, if nobody has taken their streams by then.
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
    /// Once this stream waits for something with its header in hand.
    header_bytes: Option<HeaderBytes>,
    header_length: usize,
    counted: bool,
    /// What came behind the header.
    rest: Vec<u8>,
}

/// A stream's place with its listener.
struct Placed {
    place: QueuePermit,
    index: Option<usize>,
    used: ActiveGuard,
    /// The epoch whose answers let it in.
    epoch: u64,
}

/// Why a stream goes no further.
enum Unserved {
    /// The peer is told.
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
                    let _ = self.send.reset(LET_GO);
                }
            }
            Some(Unserved::Gone) => {
                let _ = self.send.reset(LET_GO);
            }
        }
    }

    async fn header(&mut self) -> Result<Protocol, Unserved> {
        // A header that is there needs no timer.
        if let Poll::Ready(result) = poll_fn(|cx| Poll::Ready(self.poll_header(cx))).await {
            return result;
        }
        self.begin_waiting()?;
        let limit = self.negotiator.limits.header_timeout;
        let header = tokio::time::timeout(limit, poll_fn(|cx| self.poll_header(cx)));
        header.await.unwrap_or_else(|_| {
            Err(away(code::HEADER_TIMEOUT, format!("no whole header line within {} s", limit.as_secs_f32())))
        })
    }

    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Protocol, Unserved>> {
        let mut chunk = [0; 1024];
        loop {
            let count = match ready!(self.recv.poll_read(cx, &mut chunk)) {
                Ok(0) => {
                    return Poll::Ready(Err(away(code::HEADER_INVALID, "the stream ended before its header line did")));
                }
                Ok(count) => count,
                Err(_) => return Poll::Ready(Err(Unserved::Gone)),
            };
            match self.line.feed(&chunk[..count]) {
                Feed::More => self.keep_header(count)?,
                Feed::TooLong => {
                    let limit = self.negotiator.limits.max_header_bytes;
                    let text = format!("the header line is longer than {limit} bytes");
                    return Poll::Ready(Err(away(code::HEADER_TOO_LARGE, text)));
                }
                Feed::Line { used } => {
                    self.keep_header(used)?;
                    self.rest = chunk[used..count].to_vec();
                    let protocol = header::decode(&self.line.take());
                    return Poll::Ready(protocol.map_err(|error| away(code::HEADER_INVALID, error.message())));
                }
            }
        }
    }

    /// Counts this stream before a task of its own is spent on it, unless it is counted as open.
    fn begin_waiting(&mut self) -> Result<(), Unserved> {
        if !self.counted && self.pending.is_none() {
            self.pending = Some(Authorization::check_negotiation(&self.quota).map_err(Unserved::Refused)?);
        }
        self.count_header()
    }

    /// Counts the header before this stream waits with it. A stream that waits for nothing is not counted: its header is
    /// used up in the connection's own task, before the next one is read.
    fn count_header(&mut self) -> Result<(), Unserved> {
        if self.header_bytes.is_none() {
            let bytes =
                Authorization::check_header_bytes(&self.quota, self.header_length).map_err(Unserved::Refused)?;
            self.header_bytes = Some(bytes);
        }
        Ok(())
    }

    /// Bytes of the header have come.
    fn keep_header(&mut self, count: usize) -> Result<(), Unserved> {
        self.header_length += count;
        match &mut self.header_bytes {
            Some(bytes) => Authorization::check_more_header_bytes(bytes, count).map_err(Unserved::Refused),
            None => Ok(()),
        }
    }

    /// A place with whoever serves the protocol; waits for one while the peer does.
    async fn place(&mut self, protocol: &Protocol) -> Result<Placed, Unserved> {
        let negotiator = self.negotiator.clone();
        let unserved = || {
            if negotiator.router.is_closed() || negotiator.lifecycle.is_closing() {
                return away(code::SHUTDOWN, "this endpoint is shutting down");
            }
            away(code::UNSUPPORTED, format!("nothing here serves {}", protocol.to_json()))
        };
        let spoken = self.connection.alpn() != Alpn::Kulfi || protocol.is_kulfi();
        let route = if spoken { self.route(protocol).await? } else { None };
        let Some(Route { queue, index }) = route else {
            return Err(unserved());
        };
        let Some(used) = self.connection.enter() else {
            // The connection is being given up. Its close promises the peer that this stream was handed to nobody;
            // a reset before it would promise nothing, and the stream would not be sent again.
            self.connection.closed().await;
            return Err(Unserved::Gone);
        };
        let used = used.with(negotiator.authorization.check_quota(&self.quota).map_err(Unserved::Refused)?);
        self.counted = true;
        self.pending = None;
        let mut epoch = self.authorize(protocol).await?;
        let peer = self.connection.remote();
        let place = match queue.try_reserve(peer) {
            Ok(Some(place)) => place,
            Ok(None) => {
                self.count_header()?;
                self.unless_reset(queue.reserve(peer)).await?.map_err(|()| unserved())?
            }
            Err(()) => return Err(unserved()),
        };
        // Who may what can have changed while this stream waited.
        while negotiator.authorization.epoch() != epoch {
            epoch = self.authorize(protocol).await?;
        }
        negotiator.authorization.check_lists(&peer).map_err(|turned| Unserved::Refused(turned.into_refusal()))?;
        Ok(Placed { place, index, used, epoch })
    }

    /// Returns the epoch whose answers let the stream in.
    async fn authorize(&mut self, protocol: &Protocol) -> Result<u64, Unserved> {
        let negotiator = self.negotiator.clone();
        let epoch = negotiator.authorization.epoch();
        if negotiator.authorization.checks_streams(&self.connection, epoch) {
            self.count_header()?;
            let connection = self.connection.clone();
            let check = negotiator.authorization.check_stream(&connection, protocol, epoch);
            self.unless_reset(check).await?.map_err(Unserved::Refused)?;
        }
        Ok(epoch)
    }

    /// Who serves the protocol. On a connection that somebody takes for itself, it may take a moment until that is known.
    async fn route(&mut self, protocol: &Protocol) -> Result<Option<Route>, Unserved> {
        let negotiator = self.negotiator.clone();
        loop {
            let changed = negotiator.router.changed();
            let route = negotiator.router.route(self.connection.id(), protocol);
            if route.is_some() || negotiator.router.is_closed() {
                return Ok(route);
            }
            let Some(wait) = self.connection.unclaimed(negotiator.limits.header_timeout) else { return Ok(None) };
            self.begin_waiting()?;
            let _ = self.unless_reset(tokio::time::timeout(wait, changed)).await?;
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

    async fn deliver(mut self, placed: Placed, protocol: Protocol) {
        let Placed { place, index, used, epoch } = placed;
        // A dialler that sent its first bytes with the header waits for an answer and not for the acknowledgement, which
        // can travel with it. One that waits for the acknowledgement gets it now: older peers always do, and what they
        // send with the header is the extra line.
        let waits_for_ack = self.rest.is_empty() || !self.connection.alpn().is_own();
        let unsent = if waits_for_ack { &[] } else { ACK };
        // What came whole is delivered even if its acknowledgement can no longer be written.
        if unsent.is_empty() && self.write_all(ACK).await.is_err() && (self.connection.is_live() || !self.is_whole()) {
            let _ = self.send.reset(LET_GO);
            return;
        }
        let Self { negotiator, connection, send, recv, rest, .. } = self;
        let waits = !unsent.is_empty();
        let queue = place.queue();
        let incoming = IncomingStream {
            stream: Stream::accepted(connection, send, recv, used, rest, unsent),
            route: index,
            protocol: index.is_none().then_some(protocol),
        };
        if let Some((place, incoming)) = place.fill(incoming, epoch) {
            negotiator.reauthorize_stream(place, incoming).await;
        }
        if waits {
            negotiator.flush_later(&queue);
        }
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
                    // Whoever stopped the stream already has it and wants no answer: it is delivered all the same.
                    Err(WriteError::Stopped(_)) => return Ok(()),
                    Err(_) => return Err(Unserved::Gone),
                }
            }
            Ok(())
        };
        tokio::time::timeout(limit, written).await.unwrap_or(Err(Unserved::Gone))
    }

    /// Everything up to the FIN is here, now that the connection has ended. Keeps it.
    fn is_whole(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let mut chunk = [0; 16 * 1024];
        while self.rest.len() < WHOLE_BYTES {
            match self.recv.poll_read(&mut cx, &mut chunk) {
                Poll::Ready(Ok(0)) => return true,
                Poll::Ready(Ok(count)) => self.rest.extend_from_slice(&chunk[..count]),
                Poll::Ready(Err(_)) | Poll::Pending => return false,
            }
        }
        false
    }
}

fn away(code: &str, message: impl Into<String>) -> Unserved {
    Unserved::Refused(Refusal { code: code.to_owned(), message: message.into() })
}
