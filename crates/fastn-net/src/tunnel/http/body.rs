//! Bodies that a proxy forwards, at the pace of the slower side.

use std::{
    error::Error as StdError,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, combinators::UnsyncBoxBody};
use hyper::{
    Request,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    header::EXPECT,
};
use tokio_util::sync::CancellationToken;

use super::headers::clean_trailers;

pub(in crate::tunnel) type BoxError = Box<dyn StdError + Send + Sync>;

/// The body of a message that a proxy sends.
pub(in crate::tunnel) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// How long the body of a request with `Expect: 100-continue` waits for an interim answer. Services that do not know the expectation send
/// none.
const CONTINUE_AFTER: Duration = Duration::from_secs(1);

pub(in crate::tunnel) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// The body of an answer.
pub(in crate::tunnel) fn answer_body(body: Incoming) -> Body {
    body.map_frame(cleaned).map_err(BoxError::from).boxed_unsync()
}

/// Converts an incoming request to one whose body is forwarded. The second value tracks the progress of the body.
pub(in crate::tunnel) fn request_body<B>(request: Request<B>) -> (Request<Body>, Progress)
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let progress = Progress::new();
    let (parts, incoming) = request.into_parts();
    if incoming.is_end_stream() {
        progress.set_sent();
        return (Request::from_parts(parts, empty()), progress);
    }
    let expects = parts.headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let gate = expects.then(CancellationToken::new);
    let body = RequestBody { incoming, gate: gate.clone().map(closed), progress: progress.clone() };
    let mut request = Request::from_parts(parts, body.boxed_unsync());
    if let Some(gate) = gate {
        let opens = gate.clone();
        hyper::ext::on_informational(&mut request, move |interim| {
            if interim.status() == hyper::StatusCode::CONTINUE {
                opens.cancel();
            }
        });
        progress.set_gate(gate);
    }
    (request, progress)
}

type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

fn closed(gate: CancellationToken) -> Gate {
    Box::pin(async move {
        let _ = tokio::time::timeout(CONTINUE_AFTER, gate.cancelled()).await;
    })
}

/// Progress of a request's body.
#[derive(Clone)]
pub(in crate::tunnel) struct Progress(Arc<State>);

struct State {
    since: Instant,
    /// Milliseconds after `since` at which the receiver last asked for a piece.
    last: AtomicU64,
    is_sent: AtomicBool,
    gate: std::sync::OnceLock<CancellationToken>,
}

impl Progress {
    fn new() -> Self {
        Self(Arc::new(State {
            since: Instant::now(),
            last: AtomicU64::new(0),
            is_sent: AtomicBool::new(false),
            gate: std::sync::OnceLock::new(),
        }))
    }

    fn set_sent(&self) {
        self.0.is_sent.store(true, Ordering::Relaxed);
    }

    /// Whether the receiver has asked for all pieces, or wants no more.
    pub(in crate::tunnel) fn is_sent(&self) -> bool {
        self.0.is_sent.load(Ordering::Relaxed)
    }

    fn set_gate(&self, gate: CancellationToken) {
        // Set once.
        let _ = self.0.gate.set(gate);
    }

    fn touch(&self) {
        let elapsed = u64::try_from(self.0.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last.store(elapsed, Ordering::Relaxed);
    }

    /// Releases a body that still waits for a "100 Continue", because the final answer has arrived.
    pub(in crate::tunnel) fn answered(&self) {
        if let Some(gate) = self.0.gate.get() {
            gate.cancel();
        }
    }

    /// Resolves when the body has made no progress for `limit`. Cancel-safe.
    pub(in crate::tunnel) async fn stalled(&self, limit: Duration) {
        loop {
            let idle_since = self.0.since + Duration::from_millis(self.0.last.load(Ordering::Relaxed));
            let left = limit.saturating_sub(idle_since.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}

struct RequestBody<B> {
    incoming: B,
    gate: Option<Gate>,
    progress: Progress,
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin> HttpBody for RequestBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(gate) = &mut self.gate {
            std::task::ready!(gate.as_mut().poll(cx));
            self.gate = None;
        }
        self.progress.touch();
        let frame = std::task::ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(cleaned).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        self.progress.set_sent();
    }
}

/// Removes forbidden trailers.
pub(super) fn cleaned(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            clean_trailers(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}
