//! One request and its answer, as a proxy forwards them.

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode, Version,
    body::Body as HttpBody,
    header::{self, HeaderValue},
    upgrade::{OnUpgrade, on},
};

use super::{
    body::{Body, BoxError, Progress, empty, request_body},
    headers::{insert_upgrade, remove_hop_by_hop, unify_length},
    page::page,
    upgraded::join,
};
use crate::tunnel::running::TunnelTasks;

/// State of a request until its answer arrives.
pub(in crate::tunnel) struct Exchange {
    upgrade: Option<OnUpgrade>,
    pub(in crate::tunnel) progress: Progress,
}

impl Exchange {
    /// Prepares a request for forwarding: in HTTP/1.1, without the fields of its connection. Its URI stays.
    ///
    /// # Errors
    ///
    /// Why a request is ambiguous, so that two programs could read it differently: answer with status 400.
    pub(in crate::tunnel) fn begin<B>(mut request: Request<B>) -> Result<(Request<Body>, Self), &'static str>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if let Some(text) = ambiguity(&request) {
            return Err(text);
        }
        let protocol = remove_hop_by_hop(request.headers_mut());
        let upgrade = match protocol {
            Some(protocol) => {
                insert_upgrade(request.headers_mut(), protocol);
                Some(on(&mut request))
            }
            None => None,
        };
        *request.version_mut() = Version::HTTP_11;
        let (request, progress) = request_body(request);
        Ok((request, Self { upgrade, progress }))
    }

    /// Whether the request asks for an upgrade, which only HTTP/1.1 has.
    pub(in crate::tunnel) fn wants_upgrade(&self) -> bool {
        self.upgrade.is_some()
    }

    /// Prepares the answer. Carries the bytes that follow an upgrade, in a task of the tunnel.
    pub(in crate::tunnel) fn finish(self, mut response: Response<Body>, work: &TunnelTasks) -> Response<Body> {
        self.progress.answered();
        // hyper then reads the chunks, and a client that trusts the length would truncate the body.
        if response.headers().contains_key(header::TRANSFER_ENCODING) {
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        if !unify_length(response.headers_mut()) {
            return page(StatusCode::BAD_GATEWAY, "the service sent an answer of unclear length");
        }
        let protocol = remove_hop_by_hop(response.headers_mut());
        *response.version_mut() = Version::HTTP_11;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return response;
        }
        let (Some(client), Some(protocol)) = (self.upgrade, protocol) else {
            return page(
                StatusCode::BAD_GATEWAY,
                "the service switched to a protocol that the request did not ask for",
            );
        };
        insert_upgrade(response.headers_mut(), protocol);
        let service = on(&mut response);
        let cut = work.cut_token();
        work.spawn(async move {
            tokio::select! {
                () = join(client, service) => {}
                () = cut.cancelled() => {}
            }
        });
        response.map(|_| empty())
    }
}

/// Why a request is ambiguous. hyper rejects malformed ones, and drops the Content-Length of a chunked body. But it accepts codings
/// before `chunked`, which would be lost with the field.
fn ambiguity<B>(request: &Request<B>) -> Option<&'static str> {
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Some("Transfer-Encoding is not chunked");
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Some("Host is repeated"),
        (None, _) if request.version() == Version::HTTP_11 => Some("Host is missing"),
        (Some(host), _) if !agrees(host, request) => Some("Host is not that of the request's target"),
        _ => None,
    }
}

/// Whether Host agrees with the request's target, if the target names a host.
fn agrees<B>(host: &HeaderValue, request: &Request<B>) -> bool {
    let Some(authority) = request.uri().authority() else { return true };
    request.method() == Method::CONNECT || authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())
}
