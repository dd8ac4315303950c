//! Acknowledgements that do not come, for streams that do not wait for them.

use napi::Env;
use napi_derive::napi;

use crate::bridge::{Channel, Environment, Slot};

/// Returns which of the first `count` streams, at most 32, have no acknowledgement: bit `i` is the stream at `i`. Consumes an
/// acknowledgement that is there. A later one wakes the stream's reader.
#[napi(catch_unwind)]
pub fn streams_unacknowledged(env: Env, streams: &[f64], count: u32) -> u32 {
    Environment::with(&env, |e| {
        let mut lacking = 0;
        for (at, stream) in streams.iter().take(count.min(u32::BITS) as usize).enumerate() {
            let mut table = e.table.borrow_mut();
            let polled = table.poll(*stream, Channel::Read, |slot, cx| {
                let Slot::Stream(slot) = slot else { return (false, false) };
                (slot.stream.lacks_ack(cx), slot.is_done())
            });
            let (lacks, done) = polled.unwrap_or_default();
            let freed = done.then(|| table.remove(*stream));
            drop(table);
            drop(freed);
            lacking |= u32::from(lacks) << at;
        }
        lacking
    })
}

/// The acknowledgement of a stream is late: its connection is checked at once.
#[napi(catch_unwind)]
pub fn stream_ack_late(env: Env, stream: f64) {
    Environment::with(&env, |e| {
        if let Some(Slot::Stream(slot)) = e.table.borrow_mut().slot(stream) {
            slot.stream.ack_is_late();
        }
    });
}

/// Aborts a stream that was not acknowledged in time. The connection to an older peer gets no further stream. Returns true if
/// not even the header was sent, because the peer takes no more bytes.
#[napi(catch_unwind)]
pub fn stream_give_up(env: Env, stream: f64) -> bool {
    Environment::with(&env, |e| {
        let mut table = e.table.borrow_mut();
        let Some(Slot::Stream(slot)) = table.slot(stream) else { return false };
        let blocked = slot.stream.expire_ack();
        let freed = slot.is_done().then(|| table.remove(stream));
        drop(table);
        drop(freed);
        blocked
    })
}
