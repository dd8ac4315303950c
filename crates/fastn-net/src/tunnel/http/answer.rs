//! The one type of service that answers requests.

use std::{convert::Infallible, pin::Pin};

use hyper::{Request, Response, body::Incoming, service::Service};

use super::body::Body;

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Answers requests. One type for all servers: hyper's code is compiled once for each.
pub(in crate::tunnel) struct Answer(Box<dyn Fn(Request<Incoming>) -> Answering + Send>);

impl Answer {
    pub(in crate::tunnel) fn new<F>(answer: impl Fn(Request<Incoming>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self(Box::new(move |request| {
            let answered = answer(request);
            Box::pin(async move { Ok(answered.await) })
        }))
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
