//! Reads the header of a stream, limited in size and time. Counts its bytes while the stream waits.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use super::{Negotiation, Unserved, refused};
use crate::{
    authorization::Authorization,
    deadline::limit_text,
    protocol::Protocol,
    wire::{header, line::Feed, refusal::word},
};

impl Negotiation {
    pub(super) async fn header(&mut self) -> Result<Protocol, Unserved> {
        // A header that has already arrived needs no timer.
        if let Poll::Ready(result) = poll_fn(|cx| Poll::Ready(self.poll_header(cx))).await {
            return result;
        }
        self.begin_waiting()?;
        let limit = self.negotiator.limits.header_timeout;
        let header = tokio::time::timeout(limit, poll_fn(|cx| self.poll_header(cx)));
        header.await.unwrap_or_else(|_| {
            Err(refused(word::HEADER_TIMEOUT, format!("no whole header line within {}", limit_text(limit))))
        })
    }

    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Protocol, Unserved>> {
        let mut chunk = [0; 1024];
        loop {
            let count = match ready!(self.recv.poll_read(cx, &mut chunk)) {
                Ok(0) => {
                    return Poll::Ready(Err(refused(
                        word::HEADER_INVALID,
                        "the stream ended before its header line did",
                    )));
                }
                Ok(count) => count,
                Err(_) => return Poll::Ready(Err(Unserved::Gone)),
            };
            match self.line.feed(&chunk[..count]) {
                Feed::More => self.keep_header(count)?,
                Feed::TooLong => {
                    let limit = self.negotiator.limits.max_header_bytes;
                    let text = format!("the header line is longer than {limit} bytes");
                    return Poll::Ready(Err(refused(word::HEADER_TOO_LARGE, text)));
                }
                Feed::Line { used } => {
                    self.keep_header(used)?;
                    self.rest = chunk[used..count].to_vec();
                    let protocol = header::decode(&self.line.take());
                    return Poll::Ready(protocol.map_err(|error| refused(word::HEADER_INVALID, error.message())));
                }
            }
        }
    }

    /// Counts this stream before it gets a task, unless it is counted as open.
    pub(super) fn begin_waiting(&mut self) -> Result<(), Unserved> {
        if !self.has_stream_permit && self.wait_permit.is_none() {
            self.wait_permit = Some(Authorization::begin_negotiation(&self.quota).map_err(Unserved::Refused)?);
        }
        self.count_header()
    }

    /// Counts the header bytes before this stream waits with them in memory. Not needed for a stream that never waits: the
    /// connection's task consumes its header before it reads the next one.
    pub(super) fn count_header(&mut self) -> Result<(), Unserved> {
        if self.header_bytes.is_none() {
            let bytes =
                Authorization::count_header_bytes(&self.quota, self.header_length).map_err(Unserved::Refused)?;
            self.header_bytes = Some(bytes);
        }
        Ok(())
    }

    /// Counts received header bytes.
    fn keep_header(&mut self, count: usize) -> Result<(), Unserved> {
        self.header_length += count;
        match &mut self.header_bytes {
            Some(bytes) => Authorization::count_more_header_bytes(bytes, count).map_err(Unserved::Refused),
            None => Ok(()),
        }
    }
}
