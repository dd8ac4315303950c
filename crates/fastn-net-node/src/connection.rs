//! Connections: guards, which count as use until they are disposed, and observers.

use std::collections::BTreeMap;

use fastn_net::{Connection, Endpoint, Result};
use napi::{
    Env,
    bindgen_prelude::{BigInt, Either, Either3, Float64ArraySlice},
};
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, open_options},
    bridge::{
        ConnectionSlot, Environment, Outcome, PENDING, Slot, code_from_js, id_to_number, insert_stream, number_to_id,
        numbers_mut, stale, start,
    },
    options::value_to_js,
};

/// Constant properties of a connection.
#[napi(object)]
pub struct BindingConnectionInfo {
    /// Its number in this process.
    pub id: f64,
    /// ID52 of the peer.
    pub id52: String,
    /// Negotiated ALPN.
    pub alpn: String,
    /// Whether this side dialled it.
    pub dialled: bool,
}

/// Fields of a path by name.
pub(crate) type BindingPath = BTreeMap<String, Either3<f64, String, bool>>;

/// Counters of a connection by name.
pub(crate) type BindingStats = BTreeMap<String, f64>;

/// A live connection by its number, as an observer: it does not count as use. A handle, or `FAILED` when it has ended.
#[napi(catch_unwind)]
pub fn connection_view(env: Env, endpoint: f64, id: f64) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let endpoint = endpoint_of(e, endpoint)?;
            let connection = Connection::clone(&*endpoint.connection(number_to_id(id))?);
            e.table.borrow_mut().insert(ConnectionSlot::observed(endpoint, connection))
        })
    })
}

/// Turns a guard into an observer, which no longer counts as use.
#[napi(catch_unwind)]
pub fn connection_dispose(env: Env, connection: f64) {
    Environment::with(&env, |e| {
        let view = match e.table.borrow_mut().slot(connection) {
            Some(Slot::Connection(slot)) => slot.view.take(),
            _ => None,
        };
        drop(view);
    });
}

/// Snapshot of a connection.
#[napi(catch_unwind)]
pub fn connection_info(env: Env, connection: f64) -> Option<BindingConnectionInfo> {
    Environment::with(&env, |e| e.value(|e| with_view(e, connection, |_, view| info(view))))
}

/// Snapshot of the connection that a stream runs on.
#[napi(catch_unwind)]
pub fn stream_connection_info(env: Env, stream: f64) -> Option<BindingConnectionInfo> {
    Environment::with(&env, |e| {
        e.value(|e| match e.table.borrow_mut().slot(stream) {
            Some(Slot::Stream(slot)) => Ok(info(slot.stream.connection())),
            _ => Err(stale()),
        })
    })
}

/// Opens a stream on this connection, and puts connection and stream id into `out`. A handle, `PENDING` if it must wait, or `FAILED`.
#[napi(catch_unwind)]
pub fn connection_open_try(
    env: Env,
    connection: f64,
    header: &[u8],
    flags: u32,
    timeout: f64,
    mut out: Float64ArraySlice<'_>,
) -> f64 {
    let out = numbers_mut(&mut out);
    Environment::with(&env, |e| {
        e.answer(|e| {
            let opened = with_view(e, connection, |_, view| {
                view.check_can_open()?;
                view.try_open(header, open_options(flags, timeout).with_retry(false))
            })??;
            match opened {
                Some(stream) => insert_stream(e, stream, out),
                None => Ok(PENDING),
            }
        })
    })
}

/// Opens a stream on this connection, and waits until it is open. Operation; its outcome is a stream's handle.
#[napi(catch_unwind)]
pub fn connection_open_start(env: Env, connection: f64, header: &[u8], flags: u32, timeout: f64) -> f64 {
    let header = header.to_vec();
    let found =
        Environment::with(&env, |e| with_view(e, connection, |endpoint, view| (endpoint.clone(), view.clone())));
    start(&env, async move {
        let (endpoint, connection) = found?;
        let options = open_options(flags, timeout).with_retry(false);
        let stream = endpoint.open_bi(&connection, &header, options).await?;
        Ok(Outcome::Stream(Box::new(stream)))
    })
}

/// Round-trip time of the selected path in milliseconds.
#[napi(catch_unwind)]
pub fn connection_rtt(env: Env, connection: f64) -> Option<f64> {
    let rtt = |e: &Environment| with_view(e, connection, |_, view| view.rtt());
    Environment::with(&env, |e| rtt(e).ok().flatten().map(|rtt| rtt.as_secs_f64() * 1000.0))
}

/// The network paths of a connection; empty once it is closed.
#[napi(catch_unwind)]
pub fn connection_paths(env: Env, connection: f64) -> Vec<BindingPath> {
    Environment::with(&env, |e| with_view(e, connection, |_, view| paths(view)).unwrap_or_default())
}

/// Counters since the connection was established.
#[napi(catch_unwind)]
pub fn connection_stats(env: Env, connection: f64) -> Option<BindingStats> {
    Environment::with(&env, |e| e.value(|e| with_view(e, connection, |_, view| stats(view))))
}

/// Closes the connection, for all its users.
#[napi(catch_unwind)]
pub fn connection_close(env: Env, connection: f64, code: Either<f64, BigInt>, reason: String) {
    Environment::with(&env, |e| {
        // A closed connection needs no close.
        let _ = with_view(e, connection, |_, view| view.close(code_from_js(&code), &reason));
    });
}

/// Waits for the end of the connection. Operation; its outcome is the close.
#[napi(catch_unwind)]
pub fn connection_closed(env: Env, connection: f64) -> f64 {
    let found = Environment::with(&env, |e| with_view(e, connection, |_, view| view.clone()));
    start(&env, async move { Ok(Outcome::Closed(found?.closed().await)) })
}

fn info(connection: &Connection) -> BindingConnectionInfo {
    BindingConnectionInfo {
        id: id_to_number(connection.id()),
        id52: connection.remote().to_string(),
        alpn: connection.alpn().as_str().to_owned(),
        dialled: connection.is_dialled(),
    }
}

pub(crate) fn paths(connection: &Connection) -> Vec<BindingPath> {
    let cross = |(name, value): (&str, _)| (name.to_owned(), value_to_js(value));
    connection.paths().iter().map(|path| path.values().into_iter().map(cross).collect()).collect()
}

pub(crate) fn stats(connection: &Connection) -> BindingStats {
    connection.stats().numbers().into_iter().collect()
}

fn with_view<R>(environment: &Environment, handle: f64, f: impl FnOnce(&Endpoint, &Connection) -> R) -> Result<R> {
    match environment.table.borrow_mut().slot(handle) {
        Some(Slot::Connection(slot)) => Ok(f(&slot.endpoint, &slot.connection)),
        _ => Err(stale()),
    }
}
