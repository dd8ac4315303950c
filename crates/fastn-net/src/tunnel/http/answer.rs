//! The one type of service that answers requests.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use hyper::{Request, Response, body::Incoming, service::Service};

use super::body::Body;

/// Answers requests. One type for all servers: hyper's code is compiled once for each.
pub(in crate::tunnel) struct Answer(Box<dyn Fn(Request<Incoming>) -> Answering + Send>);

impl Answer {
    pub(in crate::tunnel) fn new<F>(answer: impl Fn(Request<Incoming>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self(Box::new(move |request| Answering(Box::pin(answer(request)))))
    }
}

impl Service<Request<Incoming>> for Answer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        (self.0)(request)
    }
}

/// A pending answer.
pub(in crate::tunnel) struct Answering(BoxFuture<'static, Response<Body>>);

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}
