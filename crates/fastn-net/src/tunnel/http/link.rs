//! An HTTP/1.1 connection to a service, driven by the task that asks.
//!
//! In a task of its own, each request and answer would pass from task to task four times.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use hyper::{
    Request, Response,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    client::conn::{
        TrySendError,
        http1::{Builder, Connection, SendRequest},
    },
};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;

use super::{
    body::{Body, BoxError},
    http_io::HttpIo,
    pool::{MAX_BUFFER, Pool},
};

/// Connects HTTP/1.1 to what runs beside it.
pub(super) async fn handshake(io: HttpIo) -> hyper::Result<(SendRequest<Body>, Connection<TokioIo<HttpIo>, Body>)> {
    Builder::new().max_buf_size(MAX_BUFFER).handshake(TokioIo::new(io)).await
}

/// A connection with at most one request. Dropping it is no failure to the other end.
pub(super) struct Link {
    sender: SendRequest<Body>,
    /// Until it ends.
    connection: Option<Box<Connection<TokioIo<HttpIo>, Body>>>,
}

impl Link {
    pub(super) async fn new(io: HttpIo) -> hyper::Result<Self> {
        let (sender, connection) = handshake(io).await?;
        Ok(Self { sender, connection: Some(Box::new(connection)) })
    }

    /// Sends a request, and waits for the head of its answer. An error contains the request if nothing of it was sent.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        let mut answered = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| {
            self.poll_drive(cx);
            answered.as_mut().poll(&mut driven())
        })
        .await
    }

    /// Moves bytes. hyper tells the other halves, which are polled behind this: they need no wake.
    fn poll_drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(&mut **connection).poll(cx).is_ready()
        {
            self.connection = None;
        }
    }

    /// Whether another request can be sent. Nothing is woken by an idle connection.
    pub(super) fn is_idle(&mut self) -> bool {
        self.poll_drive(&mut driven());
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Drives it until another request can be sent. Returns whether it can. Cancel-safe.
    pub(super) async fn until_idle(&mut self) -> bool {
        poll_fn(|cx| {
            self.poll_drive(cx);
            if self.connection.is_none() {
                return Poll::Ready(false);
            }
            self.sender.poll_ready(cx).map(|ready| ready.is_ok())
        })
        .await
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut io = connection.into_parts().io.into_inner();
            let _ = Pin::new(&mut io).poll_shutdown(&mut driven());
        }
    }
}

/// The context of what is polled again by its own task.
fn driven() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// The body of an answer. Drives its connection, which then goes back to the pool.
pub(super) struct AnswerBody {
    incoming: Incoming,
    link: Option<Link>,
    pool: Pool,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, link: Link, pool: Pool) -> Self {
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
        polled.map_err(BoxError::from)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
