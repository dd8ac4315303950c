//! Heads and bodies of the protocol `Http`.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    body::{Body as HttpBody, Frame, SizeHint},
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
    http::{request, response},
};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, ReadHalf};

use super::super::{body::BoxError, headers::unify_length, http_io::MAX_BUFFER, io::PeerIo};
use crate::wire::http_head::{self, AnswerHead, Field, RequestHead};

/// Limit in bytes of a line. Each byte of a value takes up to four, as in `255,`.
const MAX_LINE: usize = 4 * MAX_BUFFER;

/// Limit of the fields of a head, as in hyper.
const MAX_FIELDS: usize = 100;

/// Limit in bytes of one read.
const PIECE: usize = 16 * 1024;

/// Fields without a meaning in this protocol: bodies are not framed by them, and there are no interim answers.
const DROPPED: [HeaderName; 6] = [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Status and text of the answer to a malformed request.
pub(super) struct Malformed(pub(super) StatusCode, pub(super) &'static str);

const HEAD_INVALID: Malformed = Malformed(StatusCode::BAD_REQUEST, "the head is malformed");

/// Reads a line, and returns it without its `
/// `, with the bytes after it.
///
/// # Errors
///
/// Those of the stream. `UnexpectedEof` if it ends before.
pub(super) async fn read_line(reader: &mut ReadHalf<PeerIo>) -> io::Result<Result<(Vec<u8>, Bytes), Malformed>> {
    let mut line = Vec::new();
    loop {
        let start = line.len();
        if reader.read_buf(&mut line).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the peer ended the stream without an answer"));
        }
        if let Some(end) = line[start..].iter().position(|&byte| byte == b'\n') {
            let ahead = Bytes::copy_from_slice(&line[start + end + 1..]);
            line.truncate(start + end);
            return Ok(Ok((line, ahead)));
        }
        if line.len() > MAX_LINE {
            let text = "the head is too long";
            return Ok(Err(Malformed(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)));
        }
    }
}

/// Decodes the line of a request.
pub(super) fn request_of(line: &[u8], mut rest: Rest) -> Result<Request<Rest>, Malformed> {
    let head: RequestHead = http_head::decode(line).map_err(|_| HEAD_INVALID)?;
    let method = Method::from_bytes(head.method.as_bytes()).map_err(|_| HEAD_INVALID)?;
    let headers = headers_of(head.headers).ok_or(HEAD_INVALID)?;
    // Clients of older peers send the FIN of a request after the answer. Without a length, these methods have no body.
    let is_bodiless = matches!(method, Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS | Method::TRACE);
    rest.left = length_of(&headers).or(is_bodiless.then_some(0));
    let mut request = Request::new(rest);
    *request.method_mut() = method;
    *request.uri_mut() = head.uri.parse().map_err(|_| HEAD_INVALID)?;
    // Host may be missing, as in HTTP/1.0.
    *request.version_mut() = Version::HTTP_10;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Decodes the line of an answer.
///
/// # Errors
///
/// `InvalidData`.
pub(super) fn answer_of(line: &[u8], is_head: bool, mut body: Answer) -> io::Result<Response<Answer>> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "the peer sent no valid answer");
    let head: AnswerHead = http_head::decode(line).map_err(|_| invalid())?;
    let status = StatusCode::from_u16(head.status).map_err(|_| invalid())?;
    let headers = headers_of(head.headers).ok_or_else(invalid)?;
    if status.is_informational() || status.as_u16() >= 600 {
        return Err(invalid());
    }
    let is_empty = is_head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    body.rest.left = if is_empty { Some(0) } else { length_of(&headers) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Encodes the line of a request.
pub(super) fn request_head(parts: request::Parts) -> Vec<u8> {
    let uri = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    http_head::encode(&RequestHead { uri, method: parts.method.to_string(), headers: fields_of(parts.headers) })
}

/// Encodes the line of an answer.
pub(super) fn answer_head(parts: response::Parts) -> Vec<u8> {
    http_head::encode(&AnswerHead { status: parts.status.as_u16(), headers: fields_of(parts.headers) })
}

/// `None` if a field is malformed, or there are too many.
fn headers_of(fields: Vec<Field>) -> Option<HeaderMap> {
    if fields.len() > MAX_FIELDS {
        return None;
    }
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(trimmed(&value)).ok()?);
    }
    drop_fields(&mut headers);
    unify_length(&mut headers).then_some(headers)
}

/// Removes spaces and tabs at both ends. Not `trim_ascii`, which also removes line ends.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

fn fields_of(mut headers: HeaderMap) -> Vec<Field> {
    drop_fields(&mut headers);
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn drop_fields(headers: &mut HeaderMap) {
    for name in &DROPPED {
        headers.remove(name);
    }
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    // Already validated: only digits that exceed a `u64` fail to parse.
    headers
        .get(CONTENT_LENGTH)
        .map(|length| length.to_str().ok().and_then(|length| length.parse().ok()).unwrap_or(u64::MAX))
}

/// The rest of a stream, as a body.
pub(in crate::tunnel) struct Rest {
    reader: ReadHalf<PeerIo>,
    /// Bytes that were read with the head.
    ahead: Bytes,
    /// Bytes left, if the head has a length. Otherwise the body ends with the FIN.
    left: Option<u64>,
}

impl Rest {
    pub(super) fn new(reader: ReadHalf<PeerIo>, ahead: Bytes) -> Self {
        Self { reader, ahead, left: None }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Bytes>> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(most);
            return Poll::Ready(Ok(self.ahead.split_to(count)));
        }
        let mut piece = vec![0; most.min(PIECE)];
        let mut into = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.reader).poll_read(cx, &mut into))?;
        let count = into.filled().len();
        piece.truncate(count);
        Poll::Ready(Ok(piece.into()))
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let most = self.left.map_or(PIECE, |left| usize::try_from(left).unwrap_or(usize::MAX));
        if most == 0 {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(cx, most))?;
        if let Some(left) = &mut self.left {
            *left -= piece.len() as u64;
        }
        Poll::Ready(match (piece.is_empty(), self.left) {
            (false, _) => Some(Ok(Frame::data(piece))),
            (true, None) => None,
            (true, Some(_)) => Some(Err("the body is shorter than its Content-Length".into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// The body of an answer, which may come before the whole request is sent.
pub(in crate::tunnel) struct Answer {
    pub(super) rest: Rest,
    pub(super) uploading: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(uploading) = &mut self.uploading
            && let Poll::Ready(sent) = uploading.as_mut().poll(cx)
        {
            self.uploading = None;
            sent?;
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.size_hint()
    }
}
