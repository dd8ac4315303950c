//! Pooled HTTP connections to a service.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, Weak, atomic::AtomicBool},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use hyper::{
    Method, Request, Response, Uri,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    header::{HOST, HeaderValue},
    http::uri::PathAndQuery,
    rt::Executor,
};
use tokio_util::sync::CancellationToken;

use super::{
    body::{Body, BoxError, answer_body, cleaned},
    exchange::Exchange,
    http_io::HttpIo,
    http2::{Http2, Spawner},
    link::{Link, driven, handshake},
    send_error::SendError,
};
use crate::tunnel::running::TunnelTasks;

/// Idle connections that are kept.
const MAX_IDLE: usize = 256;

/// How often a request is sent again after a service refused it without processing it.
const MAX_REFUSALS: u32 = 3;

/// Makes a connection.
pub(in crate::tunnel) type Connect<'a> = &'a (dyn Fn() -> BoxFuture<'a, io::Result<HttpIo>> + Send + Sync);

/// The connections to one service. They end with the tunnel.
#[derive(Clone)]
pub(in crate::tunnel) struct Pool(Arc<Shared>);

struct Shared {
    idle: Mutex<Idle>,
    /// How long an idle connection is kept.
    keep: Duration,
    cut: CancellationToken,
    http2: Option<Http2>,
}

/// Idle connections, the newest last. They are not polled: a closed one is detected when it is needed, or never.
#[derive(Default)]
struct Idle {
    links: Vec<(Instant, Link)>,
    is_swept: bool,
}

impl Pool {
    /// `keep`: how long an idle connection is kept. `http2`: for connections over TLS.
    pub(super) fn new(work: &TunnelTasks, keep: Duration, http2: Option<Http2>) -> Self {
        Self(Arc::new(Shared { idle: Mutex::default(), keep, cut: work.cut_token(), http2 }))
    }

    /// For a single request.
    pub(in crate::tunnel) fn for_one(work: &TunnelTasks) -> Self {
        Self::new(work, Duration::ZERO, None)
    }

    /// Sends a request, over a new connection if there is none. A request that a pooled connection no longer accepted is sent over
    /// another one. Cancel-safe: a dropped request is cancelled at the service.
    ///
    /// Parts that most requests do not need are boxed, because each request moves this future.
    pub(in crate::tunnel) async fn send(
        &self,
        mut request: Request<Body>,
        exchange: &Exchange,
        connect: Connect<'_>,
    ) -> Result<Response<Body>, SendError> {
        if exchange.wants_upgrade() {
            let io = connect().await.map_err(SendError::Connect)?;
            return Box::pin(self.upgrade(request, io)).await;
        }
        let mut has_connected = false;
        let mut refusals = 0;
        loop {
            if let Some(http2) = &self.0.http2
                && let Some(mut sender) = http2.sender()
            {
                http2.address(&mut request);
                let repeated = Http2::repeated(&request);
                match Box::pin(sender.try_send_request(request)).await {
                    Ok(answer) => return Ok(answer.map(answer_body)),
                    Err(mut error) => match (error.take_message(), repeated) {
                        (Some(again), _) if !has_connected => (request, has_connected) = (again, true),
                        // Over a new connection, which later requests share.
                        (_, Some(again)) if refusals < MAX_REFUSALS && Http2::has_refused(error.error()) => {
                            (request, has_connected) = (again, false);
                            refusals += 1;
                        }
                        _ => return Err(SendError::Exchange(error.into_error())),
                    },
                }
            }
            let mut link = if let Some(link) = self.take() {
                link
            } else {
                has_connected = true;
                let io = connect().await.map_err(SendError::Connect)?;
                if let Some(http2) = self.0.http2.as_ref().filter(|_| io.is_http2()) {
                    Box::pin(http2.start(io, &self.0.cut)).await.map_err(SendError::Exchange)?;
                    continue;
                }
                Box::pin(Link::new(io)).await.map_err(SendError::Exchange)?
            };
            use_path(&mut request);
            match link.send(request).await {
                Ok(answer) => return Ok(self.answer(answer, link, exchange)),
                Err(mut error) => match error.take_message() {
                    Some(again) if !has_connected => request = again,
                    _ => return Err(SendError::Exchange(error.into_error())),
                },
            }
        }
    }

    /// Sends a request for an upgrade, over a connection of its own.
    async fn upgrade(&self, mut request: Request<Body>, io: HttpIo) -> Result<Response<Body>, SendError> {
        use_path(&mut request);
        let to_head = Arc::new(AtomicBool::new(*request.method() == Method::HEAD));
        let (mut sender, connection) = handshake(io, to_head).await.map_err(SendError::Exchange)?;
        Spawner(self.0.cut.clone()).execute(connection.with_upgrades());
        sender.send_request(request).await.map(|answer| answer.map(answer_body)).map_err(SendError::Exchange)
    }

    fn answer(&self, answer: Response<Incoming>, mut link: Link, exchange: &Exchange) -> Response<Body> {
        if exchange.progress.is_sent() {
            return answer.map(|incoming| AnswerBody::new(incoming, link, self.clone()).boxed_unsync());
        }
        // The rest of the request must not wait for the reader of the answer.
        let pool = self.clone();
        Spawner(self.0.cut.clone()).execute(async move {
            if link.until_idle().await {
                pool.put(link);
            }
        });
        answer.map(answer_body)
    }

    /// Whether it has a connection, or a request.
    pub(super) fn is_used(&self) -> bool {
        Arc::strong_count(&self.0) > 1 || !self.0.lock().links.is_empty()
    }

    /// Whether a connection is idle, which may have ended.
    pub(super) fn has_idle(&self) -> bool {
        !self.0.lock().links.is_empty()
    }

    /// The newest idle connection that is open.
    fn take(&self) -> Option<Link> {
        loop {
            let (since, mut link) = self.0.lock().links.pop()?;
            if since.elapsed() < self.0.keep && link.is_idle() {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for another request, unless it has ended.
    pub(super) fn put(&self, mut link: Link) {
        if !link.is_idle() {
            return;
        }
        let mut idle = self.0.lock();
        idle.links.push((Instant::now(), link));
        let surplus = (idle.links.len() > MAX_IDLE).then(|| idle.links.remove(0));
        let is_swept = std::mem::replace(&mut idle.is_swept, true);
        drop(idle);
        drop(surplus);
        if !is_swept {
            Spawner(self.0.cut.clone()).execute(sweep(Arc::downgrade(&self.0), self.0.keep));
        }
    }
}

/// The body of an answer. Drives its connection, which then goes back to the pool.
struct AnswerBody {
    incoming: Incoming,
    link: Option<Link>,
    pool: Pool,
}

impl AnswerBody {
    fn new(incoming: Incoming, link: Link, pool: Pool) -> Self {
        let mut body = Self { incoming, link: Some(link), pool };
        if body.incoming.is_end_stream() {
            body.give_back();
        }
        body
    }

    fn give_back(&mut self) {
        if let Some(link) = self.link.take() {
            self.pool.put(link);
        }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(link) = &mut self.link {
            link.poll_drive(cx);
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(&mut driven());
        let is_last = match &polled {
            Poll::Pending => false,
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || self.incoming.is_end_stream(),
            Poll::Ready(_) => true,
        };
        if is_last {
            self.give_back();
        }
        polled.map_ok(cleaned).map_err(BoxError::from)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().expect("no panic while held")
    }
}

/// Closes connections that are idle for too long, until none is idle.
async fn sweep(pool: Weak<Shared>, keep: Duration) {
    loop {
        tokio::time::sleep(keep).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.lock();
        let expired = idle.links.iter().take_while(|(since, _)| since.elapsed() >= keep).count();
        let expired: Vec<_> = idle.links.drain(..expired).collect();
        idle.is_swept = !idle.links.is_empty();
        let is_done = !idle.is_swept;
        drop(idle);
        drop(expired);
        if is_done {
            return;
        }
    }
}

/// Leaves only the path in the URI, as HTTP/1.1 requires in requests that are not for a proxy.
fn use_path(request: &mut Request<Body>) {
    if request.uri().authority().is_some() {
        let path = request.uri().path_and_query().cloned().filter(|path| path.as_str() != "");
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    }
}

/// Sets the Host of a request that has none, which HTTP/1.0 allows.
pub(in crate::tunnel) fn default_host(request: &mut Request<Body>, host: impl FnOnce() -> Option<HeaderValue>) {
    if !request.headers().contains_key(HOST)
        && let Some(host) = host()
    {
        request.headers_mut().insert(HOST, host);
    }
}
