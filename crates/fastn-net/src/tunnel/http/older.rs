//! `Http`, the protocol of older peers: a line of JSON for each head, one request per stream, bodies up to the FIN.
//!
//! It has no trailers, no interim answers and no upgrades: they are dropped. Messages are validated as hyper validates HTTP/1.1.

mod message;

use std::{io, time::Duration};

use http_body_util::BodyExt;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Body as HttpBody,
    header::{CONTENT_LENGTH, HeaderValue},
};
use tokio::{
    io::{AsyncWriteExt, WriteHalf, split},
    time::{Instant, sleep_until, timeout},
};

pub(in crate::tunnel) use self::message::Rest;
use self::message::{Answer, Malformed, answer_head, answer_of, read_line, request_head, request_of};
use super::{body::Body, io::PeerIo, page::page};
use crate::{stream::Stream, tunnel::running::TunnelTasks, wire::codes::reset};

/// Time limit of the head of a request, and of the head of an answer after its request.
const HEAD: Duration = Duration::from_mins(1);

/// Answers the request of a stream.
pub(in crate::tunnel) async fn serve<F>(stream: Stream, work: &TunnelTasks, answer: impl FnOnce(Request<Rest>) -> F)
where
    F: Future<Output = Response<Body>>,
{
    let stream = PeerIo::new(stream);
    let handle = stream.handle();
    let (mut reader, mut writer) = split(stream);
    let serving = async {
        let request = match timeout(HEAD, read_line(&mut reader)).await {
            Ok(line) => line?.and_then(|(line, ahead)| request_of(&line, Rest::new(reader, ahead))),
            Err(_) => Err(Malformed(StatusCode::REQUEST_TIMEOUT, "the head took too long")),
        };
        let is_head = request.as_ref().is_ok_and(|request| request.method() == Method::HEAD);
        let response = match request {
            Ok(request) => answer(request).await,
            Err(Malformed(status, text)) => page(status, text),
        };
        send_answer(&mut writer, response, is_head).await
    };
    let failed = tokio::select! {
        biased;
        served = serving => served.is_err(),
        // Its client has disconnected.
        () = handle.left() => false,
        () = work.cut() => true,
    };
    if failed {
        handle.abandon(reset::HANDLER_FAILED);
    }
}

/// Sends a request, and reads the head of its answer. Cancel-safe: dropping it resets the stream.
///
/// # Errors
///
/// Those of the stream. `InvalidData` for a malformed answer, `UnexpectedEof` for none, `TimedOut`.
pub(super) async fn send(stream: Stream, request: Request<Body>) -> io::Result<Response<Answer>> {
    let is_head = *request.method() == Method::HEAD;
    let (mut reader, mut writer) = split(PeerIo::new(stream));
    let mut uploading = Box::pin(async move {
        let (parts, body) = request.into_parts();
        writer.write_all(&request_head(parts)).await?;
        send_body(&mut writer, body).await
    });
    let mut until = None;
    let line = {
        let reading = read_line(&mut reader);
        tokio::pin!(reading);
        loop {
            let deadline = until.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                sent = &mut uploading, if until.is_none() => {
                    sent?;
                    until = Some(Instant::now() + HEAD);
                }
                line = &mut reading => break line?,
                () = sleep_until(deadline), if until.is_some() => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not answer in time"));
                }
            }
        }
    };
    let (line, ahead) = line.map_err(|Malformed(_, text)| io::Error::new(io::ErrorKind::InvalidData, text))?;
    let uploading = if until.is_none() { Some(uploading as _) } else { None };
    answer_of(&line, is_head, Answer { rest: Rest::new(reader, ahead), uploading })
}

async fn send_answer(writer: &mut WriteHalf<PeerIo>, response: Response<Body>, is_head: bool) -> io::Result<()> {
    let (mut parts, body) = response.into_parts();
    let is_empty = is_head || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if let (false, Some(length)) = (is_empty, body.size_hint().exact()) {
        parts.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    writer.write_all(&answer_head(parts)).await?;
    if is_empty { writer.shutdown().await } else { send_body(writer, body).await }
}

/// Sends a body, then the FIN. Drops trailers.
async fn send_body(writer: &mut WriteHalf<PeerIo>, mut body: Body) -> io::Result<()> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            writer.write_all(&data).await?;
        }
    }
    writer.shutdown().await
}
