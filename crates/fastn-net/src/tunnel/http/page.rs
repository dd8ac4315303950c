//! Answers of the tunnel itself.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS},
};

use super::body::Body;
use crate::error::{Code, CodeClass};

/// The status of a request whose stream failed, for tunnels and proxies alike.
pub(in crate::tunnel) fn status_of(code: Code) -> StatusCode {
    match code.class() {
        CodeClass::Denied => StatusCode::FORBIDDEN,
        CodeClass::Timeout => StatusCode::GATEWAY_TIMEOUT,
        CodeClass::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// An answer with a status and a text for a person.
pub(in crate::tunnel) fn page(status: StatusCode, text: &str) -> Response<Body> {
    let text = format!("{status}: {text}\n");
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
