//! The one type of service that answers requests.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONNECTION, HeaderValue, UPGRADE},
    service::Service,
};

use super::{body::Body, headers::is_http2};

/// Answers requests. One type for all servers: hyper's code is compiled once for each.
///
/// A request that asks for another protocol and does not get it is the last one of its connection: what follows was not checked, see
/// [`super::line_ends`], or was meant for the other protocol.
pub(in crate::tunnel) struct Answer(Box<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<Body>> + Send>);

impl Answer {
    pub(in crate::tunnel) fn new<F>(answer: impl Fn(Request<Incoming>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self(Box::new(move |request| Box::pin(answer(request))))
    }
}

impl Service<Request<Incoming>> for Answer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let switch = Switch::of(&request);
        Answering { answer: (self.0)(request), switch }
    }
}

/// Another protocol, which a request asks for.
#[derive(Clone, Copy)]
enum Switch {
    Upgrade,
    Connect,
}

impl Switch {
    fn of<B>(request: &Request<B>) -> Option<Self> {
        if request.method() == Method::CONNECT {
            return Some(Self::Connect);
        }
        let mut upgrades = request.headers().get_all(UPGRADE).iter();
        upgrades.any(|value| !is_http2(value.as_bytes())).then_some(Self::Upgrade)
    }

    fn has_happened(self, status: StatusCode) -> bool {
        match self {
            Self::Upgrade => status == StatusCode::SWITCHING_PROTOCOLS,
            Self::Connect => status.is_success(),
        }
    }
}

/// An answer that is being made.
pub(in crate::tunnel) struct Answering {
    answer: BoxFuture<'static, Response<Body>>,
    switch: Option<Switch>,
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(self.answer.as_mut().poll(cx));
        if self.switch.is_some_and(|switch| !switch.has_happened(response.status())) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}
