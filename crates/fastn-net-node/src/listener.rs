//! Listeners for the streams and connections of peers.

use std::task::{Context, Poll, ready};

use fastn_net::{IncomingStream, Listener, Protocol, Result};
use napi::{Env, bindgen_prelude::Float64ArraySlice};
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, whole},
    bridge::{
        Channel, ConnectionSlot, Environment, PENDING, Slot, StreamSlot, id_to_number, number_to_id, numbers_mut, stale,
    },
};

/// Numbers for each stream in `listenerAccept`.
const GROUP: usize = 4;

/// Starts to serve protocols (JSON texts). Returns a handle or `FAILED`. Releasing it frees the protocols.
#[napi(catch_unwind)]
pub fn endpoint_listen(
    env: Env,
    endpoint: f64,
    connection: Option<f64>,
    protocols: Vec<String>,
    fallback: bool,
) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let protocols = protocols.iter().map(|p| Protocol::from_json(p.as_bytes())).collect::<Result<Vec<_>>>()?;
            let connection = connection.map(number_to_id);
            let listener = endpoint_of(e, endpoint)?.listen(connection, &protocols, fallback)?;
            e.table.borrow_mut().insert(Slot::Listener(listener))
        })
    })
}

/// Takes queued streams, as many as fit in `out` in groups of four: stream, connection, route, stream id.
/// The number of groups, `PENDING` or `FAILED`. After fewer than fit, as after `PENDING`, the next stream or the end wakes the caller.
#[napi(catch_unwind)]
pub fn listener_accept(env: Env, listener: f64, mut out: Float64ArraySlice<'_>) -> f64 {
    let out = numbers_mut(&mut out);
    Environment::with(&env, |e| {
        e.answer(|e| {
            let polled = e.table.borrow_mut().poll(listener, Channel::Read, |slot, cx| match slot {
                Slot::Listener(listener) => Some(accept_all(listener, cx, out.len() / GROUP)),
                _ => None,
            });
            let Poll::Ready(taken) = polled.flatten().ok_or_else(stale)? else { return Ok(PENDING) };
            let mut count = 0.0;
            for (mut incoming, group) in taken?.into_iter().zip(out.chunks_exact_mut(GROUP)) {
                let connection = id_to_number(incoming.stream.connection().id());
                let id = id_to_number(incoming.stream.id());
                let route = incoming.route.and_then(|route| u32::try_from(route).ok()).map_or(-1.0, f64::from);
                // JavaScript calls `streamsFlush` soon.
                incoming.stream.cork();
                let slot = StreamSlot { stream: incoming.stream, protocol: incoming.protocol };
                let handle = e.table.borrow_mut().insert(Slot::Stream(Box::new(slot)))?;
                group.copy_from_slice(&[handle, connection, route, id]);
                count += 1.0;
            }
            Ok(count)
        })
    })
}

/// Takes streams until the queue is empty, or `most`.
fn accept_all(listener: &Listener, cx: &mut Context<'_>, most: usize) -> Poll<Result<Vec<IncomingStream>>> {
    let mut taken = ready!(listener.poll_accept(cx, most))?;
    while taken.len() < most {
        match listener.poll_accept(cx, most - taken.len()) {
            Poll::Ready(Ok(more)) => taken.extend(more),
            Poll::Ready(Err(_)) => {
                // The next call returns it.
                cx.waker().wake_by_ref();
                break;
            }
            Poll::Pending => break,
        }
    }
    Poll::Ready(Ok(taken))
}

/// Requeues unused streams that `listenerAccept` took: groups of four, in their order. Their handles are stale afterwards.
#[napi(catch_unwind)]
pub fn listener_put_back(env: Env, listener: f64, groups: &[f64]) {
    Environment::with(&env, |e| {
        let mut streams = Vec::with_capacity(groups.len() / GROUP);
        for group in groups.chunks_exact(GROUP) {
            let slot = e.table.borrow_mut().remove(group[0]);
            if let Slot::Stream(slot) = slot {
                let StreamSlot { stream, protocol } = *slot;
                let route = (protocol.is_none()).then(|| whole(group[2]));
                streams.push(IncomingStream { stream, route, protocol });
            }
        }
        if let Some(Slot::Listener(listener)) = e.table.borrow_mut().slot(listener) {
            listener.put_back(streams);
        }
    });
}

/// Takes inbound connections. Returns a handle or `FAILED`. Releasing it allows another listener.
#[napi(catch_unwind)]
pub fn endpoint_listen_connections(env: Env, endpoint: f64) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let endpoint = endpoint_of(e, endpoint)?;
            let listener = endpoint.listen_connections()?;
            e.table.borrow_mut().insert(Slot::ConnectionListener(endpoint, listener))
        })
    })
}

/// The next connection's handle, `PENDING` or `FAILED`.
#[napi(catch_unwind)]
pub fn connection_listener_accept(env: Env, listener: f64) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let polled = e.table.borrow_mut().poll(listener, Channel::Read, |slot, cx| match slot {
                Slot::ConnectionListener(endpoint, listener) => Some((endpoint.clone(), listener.poll_accept(cx))),
                _ => None,
            });
            let (endpoint, polled) = polled.flatten().ok_or_else(stale)?;
            let Poll::Ready(connection) = polled else { return Ok(PENDING) };
            e.table.borrow_mut().insert(ConnectionSlot::held(endpoint, connection?))
        })
    })
}
