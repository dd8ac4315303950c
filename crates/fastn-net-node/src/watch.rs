//! Snapshots of the peers, and their changes.

use std::{task::Poll, time::Instant};

use fastn_net::PeerInfo;
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::endpoint_of,
    bridge::{BindingError, Channel, Environment, Slot, stale},
    connection::{BindingPath, BindingStats, paths, stats},
};

/// [`PeerInfo`] for JavaScript.
#[napi(object, use_nullable = true)]
pub struct BindingPeerInfo {
    /// ID52 of the peer.
    pub id52: String,
    /// False in the last snapshot: the endpoint no longer tracks the peer.
    pub tracked: bool,
    /// `idle`, `dialling`, `connected` or `backing-off`.
    pub state: String,
    /// The peer is kept connected.
    pub kept: bool,
    /// Dials that failed in a row.
    pub attempts: f64,
    /// Why the last dial failed, or the last connection was lost.
    pub last_error: Option<BindingError>,
    /// Milliseconds until it is dialled again.
    pub next_retry: Option<f64>,
    /// Live connections, the preferred one first.
    pub connections: Vec<BindingPeerConnection>,
}

/// One of a peer's connections.
#[napi(object)]
pub struct BindingPeerConnection {
    /// Negotiated ALPN.
    pub alpn: String,
    /// Whether this side dialled it.
    pub dialled: bool,
    /// Whether new streams use it.
    pub preferred: bool,
    /// Its network paths.
    pub paths: Vec<BindingPath>,
    /// Counters since the connection was established.
    pub stats: BindingStats,
}

/// Snapshot of all tracked peers.
#[napi(catch_unwind)]
pub fn endpoint_peers(env: Env, endpoint: f64) -> Option<Vec<BindingPeerInfo>> {
    Environment::with(&env, |e| {
        e.value(|e| Ok(endpoint_of(e, endpoint)?.peers().into_iter().map(Into::into).collect()))
    })
}

/// Watches the peers. A handle, or `FAILED`. Releasing it ends the watch.
#[napi(catch_unwind)]
pub fn endpoint_watch(env: Env, endpoint: f64) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let watch = endpoint_of(e, endpoint)?.watch()?;
            e.table.borrow_mut().insert(Slot::Watch(watch))
        })
    })
}

/// Takes the next changed peer. An empty result: the waker is armed. Null on an error.
#[napi(catch_unwind)]
pub fn watch_take(env: Env, watch: f64) -> Option<Vec<BindingPeerInfo>> {
    Environment::with(&env, |e| {
        e.value(|e| {
            let polled = e.table.borrow_mut().poll(watch, Channel::Read, |slot, cx| match slot {
                Slot::Watch(watch) => Some(watch.poll_change(cx)),
                _ => None,
            });
            match polled.flatten().ok_or_else(stale)? {
                Poll::Ready(info) => Ok(vec![info?.into()]),
                Poll::Pending => Ok(Vec::new()),
            }
        })
    })
}

impl From<PeerInfo> for BindingPeerInfo {
    fn from(info: PeerInfo) -> Self {
        let next_retry = info.status.next_retry.map(|at| at.saturating_duration_since(Instant::now()));
        let connection = |(at, connection): (usize, &fastn_net::Connection)| BindingPeerConnection {
            alpn: connection.alpn().as_str().to_owned(),
            dialled: connection.is_dialled(),
            preferred: info.preferred && at == 0,
            paths: paths(connection),
            stats: stats(connection),
        };
        Self {
            id52: info.id.to_string(),
            tracked: info.tracked,
            state: info.status.state.as_str().to_owned(),
            kept: info.status.kept,
            attempts: f64::from(info.status.attempts),
            last_error: info.status.last_error.as_ref().map(Into::into),
            next_retry: next_retry.map(|time| time.as_secs_f64() * 1000.0),
            connections: info.connections.iter().enumerate().map(connection).collect(),
        }
    }
}
