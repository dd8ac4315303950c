//! Streams: bytes in and out, and the end of each direction.
//!
//! Every call on one stream returns a value times 8, plus bits: 1, the receiving half is over; 2, the sending half is over; 4, the
//! receiving half ended with the FIN. The value is a count, `PENDING`, `FAILED` or `RETRY`. A half is over once nothing is left to report
//! about it: its error comes together with the bit. The call that returns both bits frees the handle.

use std::{
    ffi::CStr,
    task::{Context, Poll, Waker, ready},
};

use fastn_net::{Result, Stream};
use napi::{
    Env,
    bindgen_prelude::{BigInt, Either},
};
use napi_derive::napi;

use crate::{
    arguments::endpoint_of,
    bridge::{
        Arguments, Channel, DirectCall, Environment, FAILED, Outcome, PENDING, Slot, StreamSlot, code_from_js,
        number_to_id, stale, start,
    },
};

/// Limit in bytes of one call: it blocks the JavaScript thread, and waits for the connection's lock.
const CALL_BYTES: usize = 256 * 1024;

/// Limit in bytes of reading ahead without a reader, which releases the receiving half at its end.
const AHEAD_BYTES: usize = 64 * 1024;

/// The stream is gone, and must be opened again.
const RETRY: f64 = -3.0;

/// Both halves are over.
const OVER: u8 = 3;

/// The receiving half ended with the FIN.
const EOF: u8 = 4;

/// 0 when the peer has acknowledged the stream; `PENDING`, `FAILED`, or `RETRY`: open it again with an operation.
#[napi(catch_unwind)]
pub fn stream_ack(env: Env, stream: f64) -> f64 {
    poll(&env, stream, Channel::Read, |slot, cx| match slot.stream.poll_ack(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Ok(0.0)),
        Poll::Ready(Err(_)) if slot.stream.take_retry() => Poll::Ready(Ok(RETRY)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    })
}

/// Reads into `into` from `offset` on. Returns the byte count, `PENDING` or `FAILED`. The receiving half is over at EOF.
pub(crate) struct StreamRead;

impl DirectCall for StreamRead {
    const NAME: &CStr = c"streamRead";

    fn call(arguments: &mut Arguments) -> napi::Result<f64> {
        let (env, stream, offset) = (arguments.env(), arguments.number(0)?, arguments.whole(2)?);
        let into = arguments.bytes_mut(1)?;
        let from = (offset as usize).min(into.len());
        let to = into.len().min(from + CALL_BYTES);
        Ok(poll(&env, stream, Channel::Read, |slot, cx| {
            slot.stream.poll_read(cx, &mut into[from..to]).map_ok(|read| number(read.count))
        }))
    }
}

/// Writes `bytes` from `offset` on, and the FIN after the last one. Returns the byte count, `PENDING` or `FAILED`. The sending half is
/// over when it is finished. `reads`, with the FIN: also arms the waker for reads, as a `streamRead` that returns `PENDING` does.
pub(crate) struct StreamWrite;

impl DirectCall for StreamWrite {
    const NAME: &CStr = c"streamWrite";

    fn call(arguments: &mut Arguments) -> napi::Result<f64> {
        let (bytes, offset, finish, reads) =
            (arguments.bytes(1)?, arguments.whole(2)?, arguments.flag(3)?, arguments.flag(4)?);
        let bytes = &bytes[(offset as usize).min(bytes.len())..];
        let (env, stream) = (arguments.env(), arguments.number(0)?);
        let reader = if reads { waker_of(&env, stream, Channel::Read) } else { None };
        Ok(poll(&env, stream, Channel::Write, |slot, cx| write(&mut slot.stream, cx, bytes, finish, reader.as_ref())))
    }
}

fn waker_of(env: &Env, stream: f64, channel: Channel) -> Option<Waker> {
    Environment::with(env, |e| e.table.borrow_mut().poll(stream, channel, |_, cx| cx.waker().clone()))
}

fn write(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    bytes: &[u8],
    finish: bool,
    reader: Option<&Waker>,
) -> Poll<Result<f64>> {
    let now = &bytes[..bytes.len().min(CALL_BYTES)];
    let mut count = 0;
    // No flush for bytes that go out with the FIN.
    if now.is_empty() && !(finish && stream.is_corked()) {
        ready!(stream.poll_flush(cx))?;
    }
    while count < now.len() {
        match stream.poll_write(cx, &now[count..]) {
            Poll::Ready(Ok(written)) => count += written,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending if count == 0 => return Poll::Pending,
            Poll::Pending => return Poll::Ready(Ok(number(count))),
        }
    }
    if finish && count == bytes.len() {
        match reader {
            Some(reader) if !stream.finish_then_wait(&mut Context::from_waker(reader)) => reader.wake_by_ref(),
            Some(_) => {}
            None => stream.finish(),
        }
        // Corked bytes, and bytes that wait for room, fail only here.
        if stream.failure().is_some() {
            ready!(stream.poll_flush(cx))?;
        }
    }
    Poll::Ready(Ok(number(count)))
}

/// Flushes the corked headers and acks of the first `count` streams.
#[napi(catch_unwind)]
pub fn streams_flush(env: Env, streams: &[f64], count: u32) {
    advance(&env, streams.iter().take(count as usize), |slot, cx| slot.stream.flush_or_wake(cx.waker()));
}

/// Resets the sending half.
#[napi(catch_unwind)]
pub fn stream_reset(env: Env, stream: f64, code: Either<f64, BigInt>) -> f64 {
    end(&env, stream, |slot| slot.stream.reset(code_from_js(&code)))
}

/// Stops the receiving half.
#[napi(catch_unwind)]
pub fn stream_stop(env: Env, stream: f64, code: Either<f64, BigInt>) -> f64 {
    end(&env, stream, |slot| slot.stream.stop(code_from_js(&code)))
}

/// Resets and stops with a code of this project, which older peers see as 0.
#[napi(catch_unwind)]
pub fn stream_abandon(env: Env, stream: f64, code: f64) -> f64 {
    end(&env, stream, |slot| slot.stream.abandon(number_to_id(code)))
}

/// Watches the open sending halves of the first `count` streams for a stop by the peer. A stop returns the peer's permits, even
/// while the streams are held.
#[napi(catch_unwind)]
pub fn streams_watch(env: Env, streams: &[f64], count: u32) {
    advance(&env, streams.iter().take(count as usize), |slot, cx| {
        slot.stream.watch_stop();
        slot.stream.idle(cx, AHEAD_BYTES);
    });
}

/// Polls the end of the sending half by the peer: `FAILED` with the reason, or `PENDING`. The next write fails with the same
/// reason.
#[napi(catch_unwind)]
pub fn stream_send_ended(env: Env, stream: f64) -> f64 {
    poll(&env, stream, Channel::Ended, |slot, cx| slot.stream.poll_send_ended(cx).map(Err))
}

/// Polls an idle stream for its end, after a wake of the handle at `index`, or after its side has finished.
#[napi(catch_unwind)]
pub fn stream_idle(env: Env, index: u32) {
    Environment::with(&env, |e| {
        let ended = e.table.borrow_mut().advance_stream(index, |slot, cx| slot.stream.idle(cx, AHEAD_BYTES));
        drop(ended);
    });
}

/// Protocol from the header of a fallback stream, as JSON.
#[napi(catch_unwind)]
pub fn stream_protocol(env: Env, stream: f64) -> Option<String> {
    Environment::with(&env, |e| match e.table.borrow_mut().slot(stream) {
        Some(Slot::Stream(slot)) => slot.protocol.as_ref().map(fastn_net::Protocol::to_json),
        _ => None,
    })
}

/// Waits until the peer has acknowledged a finished stream completely, or stopped it. Operation.
#[napi(catch_unwind)]
pub fn stream_delivered(env: Env, endpoint: f64, connection: f64, stream: f64) -> f64 {
    let found = Environment::with(&env, |e| endpoint_of(e, endpoint));
    start(&env, async move {
        // The acknowledgements of a closed connection are no longer known.
        found?.delivered(number_to_id(connection), number_to_id(stream)).await?;
        Ok(Outcome::Nothing)
    })
}

/// A call of the stream's owner in JavaScript.
fn poll(
    env: &Env,
    stream: f64,
    channel: Channel,
    f: impl FnOnce(&mut StreamSlot, &mut Context<'_>) -> Poll<Result<f64>>,
) -> f64 {
    Environment::with(env, |e| {
        let mut table = e.table.borrow_mut();
        let polled = table.poll(stream, channel, |slot, cx| match slot {
            Slot::Stream(slot) => (f(slot, cx), slot.over()),
            Slot::EndedStream => (Poll::Ready(Ok(0.0)), OVER | EOF),
            _ => (Poll::Ready(Err(stale())), 0),
        });
        let (polled, over) = polled.unwrap_or_else(|| (Poll::Ready(Err(stale())), OVER));
        let freed = (over & OVER == OVER).then(|| table.remove(stream));
        drop(table);
        drop(freed);
        match polled {
            Poll::Ready(Ok(value)) => answer(value, over),
            Poll::Ready(Err(error)) => {
                e.fail(&error);
                answer(FAILED, over)
            }
            Poll::Pending => answer(PENDING, over),
        }
    })
}

/// Same for a call that ends a half.
fn end(env: &Env, stream: f64, f: impl FnOnce(&mut StreamSlot)) -> f64 {
    Environment::with(env, |e| {
        let mut table = e.table.borrow_mut();
        let over = match table.slot(stream) {
            Some(Slot::Stream(slot)) => {
                f(slot);
                slot.over()
            }
            Some(Slot::EndedStream) => OVER | EOF,
            None => OVER,
            _ => return answer(0.0, 0),
        };
        let freed = (over & OVER == OVER).then(|| table.remove(stream));
        drop(table);
        drop(freed);
        answer(0.0, over)
    })
}

/// A call for several streams, whose owners do not see its results.
fn advance<'a>(
    env: &Env,
    streams: impl Iterator<Item = &'a f64>,
    mut f: impl FnMut(&mut StreamSlot, &mut Context<'_>),
) {
    Environment::with(env, |e| {
        for stream in streams {
            let mut table = e.table.borrow_mut();
            let Some(index) = table.find(*stream) else { continue };
            let ended = table.advance_stream(index, &mut f);
            drop(table);
            drop(ended);
        }
    });
}

fn answer(value: f64, over: u8) -> f64 {
    value * 8.0 + f64::from(over)
}

#[expect(clippy::cast_precision_loss, reason = "at most CALL_BYTES")]
fn number(count: usize) -> f64 {
    count as f64
}
