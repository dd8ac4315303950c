//! Line ends of heads: CR and LF, never an LF alone.
//!
//! hyper also accepts a bare LF as a line end, as RFC 9112 allows. A service that copies a visitor's LF into a header would then send a
//! header of the visitor's choice. So this module follows the bytes that hyper reads, and replaces each bare LF of a head, chunk line or
//! trailer with a NUL. hyper rejects a NUL: a request with status 400, an answer with 502.
//!
//! Bytes after a request that may leave HTTP (CONNECT, Upgrade) are followed too, until the answer decides. If they belong to another
//! protocol, [`Checked::into_inner`] says which byte to restore.
//!
//! It only finds the ends of messages. hyper rejects other malformed input, and reads nothing after it.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::http_io::{HttpIo, MAX_BUFFER};

/// The kind of messages that are read.
#[derive(Clone, Debug)]
pub(in crate::tunnel) enum Messages {
    Requests,
    /// Whether the next answer is one to HEAD, which has no body.
    Answers(Arc<AtomicBool>),
}

/// A connection whose heads are checked as they are read.
pub(in crate::tunnel) struct Checked {
    io: HttpIo,
    lines: LineEnds,
}

impl Checked {
    /// The socket that hyper drives.
    pub(in crate::tunnel) fn new(io: HttpIo, messages: Messages) -> TokioIo<Self> {
        TokioIo::new(Self { io, lines: LineEnds::new(messages) })
    }

    /// The connection, and the place of the LF that was replaced: its distance from the end of all bytes read so far, 1 for the last byte.
    pub(in crate::tunnel) fn into_inner(self) -> (HttpIo, Option<usize>) {
        (self.io, self.lines.replaced)
    }
}

impl AsyncRead for Checked {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, into))?;
        self.lines.pass(&mut into.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Checked {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Position of a connection in its messages.
struct LineEnds {
    messages: Messages,
    at: At,
    /// The part of a line that came in earlier reads.
    line: Vec<u8>,
    head: Head,
    /// See [`Checked::into_inner`]. At most one LF is replaced, because nothing after it is followed.
    replaced: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the first line of a message.
    Start,
    Fields,
    /// In a body, with this many bytes left.
    Body(u64),
    /// In a chunk, with this many bytes left, its line end included.
    Chunk(u64),
    ChunkSize,
    Trailers,
    /// Nothing is followed any more: a body up to EOF, the new protocol after a 101, or input that hyper rejects.
    Over,
}

/// Framing of a message, by its head.
#[derive(Default)]
struct Head {
    status: Option<u16>,
    length: Option<u64>,
    /// Whether the last coding of Transfer-Encoding is `chunked`, if there is one.
    is_chunked: Option<bool>,
}

impl LineEnds {
    fn new(messages: Messages) -> Self {
        Self { messages, at: At::Start, line: Vec::new(), head: Head::default(), replaced: None }
    }

    /// Follows the next bytes. Replaces a bare LF.
    fn pass(&mut self, mut bytes: &mut [u8]) {
        if let Some(count) = &mut self.replaced {
            *count += bytes.len();
        }
        while !bytes.is_empty() {
            bytes = match self.at {
                At::Over => return,
                At::Body(left) => self.skip(bytes, left, At::Body, At::Start),
                At::Chunk(left) => self.skip(bytes, left, At::Chunk, At::ChunkSize),
                At::Start | At::Fields | At::ChunkSize | At::Trailers => self.take_line(bytes),
            }
        }
    }

    /// Skips bytes of a body. Returns the bytes after them.
    fn skip<'a>(&mut self, bytes: &'a mut [u8], left: u64, within: fn(u64) -> At, then: At) -> &'a mut [u8] {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - count as u64;
        self.at = if left == 0 { then } else { within(left) };
        &mut bytes[count..]
    }

    /// Takes a line, or its received part. Returns the bytes after it.
    fn take_line<'a>(&mut self, bytes: &'a mut [u8]) -> &'a mut [u8] {
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            if self.line.len() > MAX_BUFFER {
                // hyper rejects such a head.
                self.end();
            }
            return &mut [];
        };
        let (line, rest) = bytes.split_at_mut(end + 1);
        let mut earlier = std::mem::take(&mut self.line);
        let next = if earlier.is_empty() {
            self.next(&line[..end])
        } else {
            earlier.extend_from_slice(&line[..end]);
            self.next(&earlier)
        };
        if let Some(at) = next {
            self.at = at;
            return rest;
        }
        line[end] = 0;
        self.replaced = Some(1 + rest.len());
        self.end();
        rest
    }

    fn end(&mut self) {
        self.at = At::Over;
        self.line = Vec::new();
    }

    /// The state after a line, which is given without its LF. `None` if it has no CR.
    fn next(&mut self, line: &[u8]) -> Option<At> {
        let line = line.strip_suffix(b"\r")?;
        Some(match self.at {
            // hyper skips empty lines before a message.
            At::Start | At::Trailers if line.is_empty() => At::Start,
            At::Start => {
                self.head = self.first_line(line);
                At::Fields
            }
            At::Fields if line.is_empty() => self.after_head(),
            At::Fields => {
                self.head.field(line);
                At::Fields
            }
            At::ChunkSize => after_chunk_size(line),
            other => other,
        })
    }

    fn first_line(&self, line: &[u8]) -> Head {
        let status = match self.messages {
            Messages::Requests => None,
            Messages::Answers(_) => line.split(|&byte| byte == b' ').nth(1).and_then(number),
        };
        Head { status, ..Head::default() }
    }

    /// The rules of RFC 9112, 6.3, as hyper applies them.
    fn after_head(&self) -> At {
        let Head { status, length, is_chunked } = self.head;
        let (is_request, is_to_head) = match &self.messages {
            Messages::Requests => (true, false),
            Messages::Answers(to_head) => (false, to_head.load(Ordering::Relaxed)),
        };
        match status {
            Some(101) => return At::Over,
            Some(100..200 | 204 | 304) => return At::Start,
            None if !is_request => return At::Over,
            _ => {}
        }
        match (is_chunked, length) {
            _ if is_to_head => At::Start,
            (Some(true), _) => At::ChunkSize,
            (None, Some(0)) => At::Start,
            (None, Some(length)) => At::Body(length),
            (None, None) if is_request => At::Start,
            (Some(false), _) | (None, None) => At::Over,
        }
    }
}

impl Head {
    fn field(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { return };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.eq_ignore_ascii_case(b"content-length") {
            // Others are equal, or hyper refuses the message.
            self.length = value.split(|&byte| byte == b',').next().and_then(number);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let last = value.rsplit(|&byte| byte == b',').next().unwrap_or_default();
            self.is_chunked = Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        }
    }
}

fn after_chunk_size(line: &[u8]) -> At {
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let size = str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
    match size {
        Some(0) => At::Trailers,
        Some(size) => size.checked_add(2).map_or(At::Over, At::Chunk),
        None => At::Over,
    }
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    str::from_utf8(digits.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Messages {
        Messages::Answers(Arc::default())
    }

    fn answers_to_head() -> Messages {
        Messages::Answers(Arc::new(AtomicBool::new(true)))
    }

    /// The bytes that hyper reads of `bytes`, in pieces of every size.
    fn passed(messages: &Messages, bytes: &str) -> String {
        let pass = |size: usize| {
            let (mut lines, mut bytes) = (LineEnds::new(messages.clone()), bytes.as_bytes().to_vec());
            bytes.chunks_mut(size).for_each(|piece| lines.pass(piece));
            String::from_utf8(bytes).expect("UTF-8")
        };
        let whole = pass(bytes.len());
        for size in 1..bytes.len() {
            assert_eq!(pass(size), whole, "{size}");
        }
        whole
    }

    #[test]
    fn bodies_are_unchanged_and_the_head_after_each_is_checked() {
        const NEXT: &str = "x\n";
        for (messages, message) in [
            (Messages::Requests, "\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"),
            (Messages::Requests, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\n\n\n"),
            (Messages::Requests, "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n"),
            (Messages::Requests, "GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n"),
            (Messages::Requests, "CONNECT a:1 HTTP/1.1\r\n\r\n"),
            (
                Messages::Requests,
                "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding:\tChunked\r\n\r\n\
                 A ;a=b\r\n\n\r\n\n\n\n\n\n\n\n\r\n0\r\nx: y\r\n\r\n",
            ),
            (answers(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\n\n\n"),
            (answers(), "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
            (answers(), "HTTP/1.1 204\r\n\r\n"),
            (answers_to_head(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
            (answers_to_head(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        ] {
            let bytes = format!("{message}{message}{NEXT}");
            assert_eq!(passed(&messages, &bytes), format!("{message}{message}x\0"), "{message:?}");
        }
    }

    #[test]
    fn a_bare_line_feed_becomes_a_nul_wherever_a_line_ends() {
        for (messages, bytes) in [
            (Messages::Requests, "\nGET / HTTP/1.1\r\n"),
            (Messages::Requests, "GET / HTTP/1.1\nhost: a\r\n\r\n"),
            (Messages::Requests, "GET / HTTP/1.1\r\nhost: a\nb: c\r\n\r\n"),
            (Messages::Requests, "GET / HTTP/1.1\r\nhost: a\r\n\n"),
            (Messages::Requests, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\nx"),
            (Messages::Requests, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y\nz: a\r\n\r\n"),
            (answers(), "HTTP/1.1 200 OK\nset-cookie: a\r\n\r\n"),
            (answers(), "HTTP/1.1 103 Early Hints\r\nx: y\nz: a\r\n\r\n"),
        ] {
            assert_eq!(
                passed(&messages, bytes),
                bytes.replacen("\r\n", "\r\r", 99).replacen('\n', "\0", 1).replace("\r\r", "\r\n")
            );
        }
    }

    #[test]
    fn nothing_is_replaced_after_the_end_of_http() {
        for (messages, bytes) in [
            (answers(), "HTTP/1.1 101 Switching Protocols\r\n\r\n\n"),
            (answers(), "HTTP/1.1 200 OK\r\n\r\nup to the end\n"),
            (answers(), "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nup to the end\n"),
            (answers(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n\n"),
        ] {
            assert_eq!(passed(&messages, bytes), bytes, "{bytes:?}");
        }
    }

    #[test]
    fn the_place_of_a_replaced_line_feed_is_known() {
        let (head, behind) = ("CONNECT a:1 HTTP/1.1\r\n\r\n", "other\nbytes\n");
        for size in 1..head.len() + behind.len() {
            let (mut lines, mut bytes) = (LineEnds::new(Messages::Requests), format!("{head}{behind}").into_bytes());
            bytes.chunks_mut(size).for_each(|piece| lines.pass(piece));
            let count = lines.replaced.expect("one is replaced");
            assert_eq!((&bytes[head.len()..], count), (b"other\0bytes\n".as_slice(), 7), "{size}");
        }
    }
}
