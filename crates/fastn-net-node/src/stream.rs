//! Streams: bytes in and out, and the end of each direction.

use std::task::{Context, Poll, ready};

use fastn_net::Result;
use napi::{
    Env,
    bindgen_prelude::{BigInt, Either, Uint8ArraySlice},
};
use napi_derive::napi;

use crate::{
    arguments::get,
    bridge::{
        Channel, Environment, FAILED, Outcome, PENDING, RETRY, Slot, StreamSlot, bytes_mut, code_from_js, number_to_id,
        stale, start,
    },
};

/// Limit in bytes of one call: it blocks the JavaScript thread, and waits for the connection's lock.
const CALL_BYTES: usize = 256 * 1024;

/// Bytes that are kept for a reader that may never come, so that the half can be given back.
const AHEAD_BYTES: usize = 64 * 1024;

/// 1 when the peer has acknowledged the stream; `PENDING`, `FAILED`, or `RETRY`: open it again with an operation.
#[napi(catch_unwind)]
pub fn stream_ack(env: Env, stream: f64) -> f64 {
    poll(&env, stream, Channel::Read, |slot, cx| match slot.stream.poll_ack(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Ok(1.0)),
        Poll::Ready(Err(_)) if slot.stream.take_retry() => Poll::Ready(Ok(RETRY)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    })
}

/// Fills `into` from `offset` on. `count * 2`, plus 1 when nothing follows; `PENDING` or `FAILED`.
#[napi(catch_unwind)]
pub fn stream_read(env: Env, stream: f64, mut into: Uint8ArraySlice<'_>, offset: u32) -> f64 {
    let into = bytes_mut(&mut into);
    let from = (offset as usize).min(into.len());
    let to = into.len().min(from + CALL_BYTES);
    poll(&env, stream, Channel::Read, |slot, cx| {
        slot.stream.poll_read(cx, &mut into[from..to]).map_ok(|read| flagged(read.count, read.end))
    })
}

/// Writes `bytes` from `offset` on, and the FIN behind the last of them. `count * 2`, plus 1 when our side is
/// finished; `PENDING` or `FAILED`.
#[napi(catch_unwind)]
pub fn stream_write(env: Env, stream: f64, bytes: &[u8], offset: u32, finish: bool) -> f64 {
    let from = (offset as usize).min(bytes.len());
    let bytes = &bytes[from..];
    let now = &bytes[..bytes.len().min(CALL_BYTES)];
    poll(&env, stream, Channel::Write, |slot, cx| {
        let mut count = 0;
        // No flush for bytes that go out with the FIN.
        if now.is_empty() && !(finish && slot.stream.is_corked()) {
            ready!(slot.stream.poll_flush(cx))?;
        }
        while count < now.len() {
            match slot.stream.poll_write(cx, &now[count..]) {
                Poll::Ready(Ok(written)) => count += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if count == 0 => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Ok(flagged(count, false))),
            }
        }
        let finished = finish && count == bytes.len();
        if finished {
            slot.stream.finish();
            // Corked bytes, and those that wait for room, fail only here.
            if let Some(error) = slot.stream.failure() {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(flagged(count, finished)))
    })
}

/// Sends what still waits for more to travel with, of the first `count` streams.
#[napi(catch_unwind)]
pub fn streams_flush(env: Env, streams: &[f64], count: u32) {
    for stream in streams.iter().take(count as usize) {
        let _ = poll(&env, *stream, Channel::Read, |slot, cx| {
            slot.stream.flush_or_wake(cx.waker());
            Poll::Pending
        });
    }
}

/// Ends our side at once.
#[napi(catch_unwind)]
pub fn stream_reset(env: Env, stream: f64, code: Either<f64, BigInt>) {
    end(&env, stream, |slot| slot.stream.reset(code_from_js(&code)));
}

/// Ends the other side.
#[napi(catch_unwind)]
pub fn stream_stop(env: Env, stream: f64, code: Either<f64, BigInt>) {
    end(&env, stream, |slot| slot.stream.stop(code_from_js(&code)));
}

/// Ends both sides with a code of this project's own, which older peers see as 0.
#[napi(catch_unwind)]
pub fn stream_abandon(env: Env, stream: f64, code: f64) {
    end(&env, stream, |slot| slot.stream.abandon(number_to_id(code)));
}

/// Watches the open sending halves of the first `count` streams for a stop by the peer. A stop returns the peer's permits, even
/// while the streams are held.
#[napi(catch_unwind)]
pub fn streams_watch(env: Env, streams: &[f64], count: u32) {
    Environment::with(&env, |e| {
        for stream in streams.iter().take(count as usize) {
            let mut table = e.table.borrow_mut();
            let done = table.poll(*stream, Channel::Read, |slot, cx| {
                let Slot::Stream(slot) = slot else { return false };
                slot.stream.watch_stop();
                slot.stream.idle(cx, AHEAD_BYTES);
                slot.is_done()
            });
            let freed = done.is_some_and(|done| done).then(|| table.remove(*stream));
            drop(table);
            drop(freed);
        }
    });
}

/// Polls the end of the sending half by the peer: `FAILED` with the reason, or `PENDING`. The next write fails with the same
/// reason.
#[napi(catch_unwind)]
pub fn stream_send_ended(env: Env, stream: f64) -> f64 {
    Environment::with(&env, |e| {
        let ended = e.table.borrow_mut().poll(stream, Channel::Ended, |slot, cx| match slot {
            Slot::Stream(slot) => slot.stream.poll_send_ended(cx),
            _ => Poll::Ready(stale()),
        });
        match ended.unwrap_or_else(|| Poll::Ready(stale())) {
            Poll::Ready(error) => {
                e.fail(&error);
                FAILED
            }
            Poll::Pending => PENDING,
        }
    })
}

/// Polls an idle stream for its end, after a wake of the handle at `index`, or after its side has finished.
#[napi(catch_unwind)]
pub fn stream_idle(env: Env, index: u32) {
    Environment::with(&env, |e| {
        let mut table = e.table.borrow_mut();
        if !table.has_index(index) {
            return;
        }
        let done = table.poll_index(index, Channel::Read, |slot, cx| match slot {
            Slot::Stream(slot) => {
                slot.stream.idle(cx, AHEAD_BYTES);
                slot.is_done()
            }
            _ => false,
        });
        let freed = done.then(|| table.free(index));
        drop(table);
        drop(freed);
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

/// Waits until the peer has acknowledged all of a finished stream, or stopped it. Operation.
#[napi(catch_unwind)]
pub fn stream_acknowledged(env: Env, endpoint: f64, connection: f64, stream: f64) -> f64 {
    let found = Environment::with(&env, |e| get(e, endpoint));
    start(&env, async move {
        // The acknowledgements of a closed connection are no longer known.
        found?.acknowledged(number_to_id(connection), number_to_id(stream)).await?;
        Ok(Outcome::Nothing)
    })
}

fn poll(
    env: &Env,
    stream: f64,
    channel: Channel,
    f: impl FnOnce(&mut StreamSlot, &mut Context<'_>) -> Poll<Result<f64>>,
) -> f64 {
    Environment::with(env, |e| {
        let mut table = e.table.borrow_mut();
        let polled = table.poll(stream, channel, |slot, cx| match slot {
            Slot::Stream(slot) => {
                let polled = f(slot, cx);
                Some((polled, slot.is_done()))
            }
            _ => None,
        });
        let Some((polled, done)) = polled.flatten() else {
            drop(table);
            e.fail(&stale());
            return FAILED;
        };
        let freed = done.then(|| table.remove(stream));
        drop(table);
        drop(freed);
        match polled {
            Poll::Ready(Ok(number)) => number,
            Poll::Ready(Err(error)) => {
                e.fail(&error);
                FAILED
            }
            Poll::Pending => PENDING,
        }
    })
}

fn end(env: &Env, stream: f64, f: impl FnOnce(&mut StreamSlot)) {
    Environment::with(env, |e| {
        let mut table = e.table.borrow_mut();
        let Some(Slot::Stream(slot)) = table.slot(stream) else { return };
        f(slot);
        let freed = slot.is_done().then(|| table.remove(stream));
        drop(table);
        drop(freed);
    });
}

#[expect(clippy::cast_precision_loss, reason = "at most CALL_BYTES")]
fn flagged(count: usize, flag: bool) -> f64 {
    (count * 2 + usize::from(flag)) as f64
}
