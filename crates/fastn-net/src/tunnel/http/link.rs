//! An HTTP/1.1 connection to a service, driven by the requesting task.
//!
//! With a task of its own, each request and answer would pass from task to task four times.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use hyper::{
    Method, Request, Response,
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{Builder, Connection, SendRequest},
    },
};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;

use super::{
    body::Body,
    http_io::{HttpIo, MAX_BUFFER},
    line_ends::{Checked, Messages},
};

type Driven = Connection<TokioIo<Checked>, Body>;

/// Connects HTTP/1.1 to what runs beside it. `to_head`: see [`Messages::Answers`].
pub(super) async fn handshake(io: HttpIo, to_head: Arc<AtomicBool>) -> hyper::Result<(SendRequest<Body>, Driven)> {
    Builder::new().max_buf_size(MAX_BUFFER).handshake(Checked::new(io, Messages::Answers(to_head))).await
}

/// A connection with at most one request. Dropping it is not a failure to the other end.
pub(super) struct Link {
    sender: SendRequest<Body>,
    /// `None` once it has ended.
    connection: Option<Box<Driven>>,
    /// Whether the request is one of HEAD.
    to_head: Arc<AtomicBool>,
}

impl Link {
    pub(super) async fn new(io: HttpIo) -> hyper::Result<Self> {
        let to_head = Arc::<AtomicBool>::default();
        let (sender, connection) = handshake(io, to_head.clone()).await?;
        Ok(Self { sender, connection: Some(Box::new(connection)), to_head })
    }

    /// Sends a request, and waits for the head of its answer. An error contains the request if nothing of it was sent.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        self.to_head.store(*request.method() == Method::HEAD, Ordering::Relaxed);
        let mut answered = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| {
            self.poll_drive(cx);
            answered.as_mut().poll(&mut driven())
        })
        .await
    }

    /// Moves bytes. hyper notifies its other halves, which are polled after this, so they need no wake.
    pub(super) fn poll_drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(&mut **connection).poll(cx).is_ready()
        {
            self.connection = None;
        }
    }

    /// Whether another request can be sent. An idle connection wakes no task.
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

/// A context without a waker, for a future that the current task polls again.
pub(super) fn driven() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
