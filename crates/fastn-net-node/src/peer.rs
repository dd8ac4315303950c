//! Peers: their addresses, and opening streams to them.

use std::{ffi::CStr, sync::Arc};

use fastn_net::{Endpoint, Error, Peer, PeerAddress, Result};
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, milliseconds, open_options},
    bridge::{Arguments, DirectCall, Environment, Outcome, PENDING, Slot, insert_stream, stale, start},
};

/// [`PeerAddress`] for JavaScript.
#[napi(object)]
pub struct BindingPeer {
    /// ID52. Hex and z-base-32 are also accepted.
    pub id52: String,
    /// `ip:port`.
    pub addresses: Vec<String>,
    /// URLs.
    pub relays: Vec<String>,
}

/// Tracks a peer by its key, and remembers its addresses. Returns a handle or `FAILED`.
#[napi(catch_unwind)]
pub fn peer_add(env: Env, endpoint: f64, peer: BindingPeer) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let endpoint = endpoint_of(e, endpoint)?;
            let peer = endpoint.peer(&PeerAddress::try_from(&peer)?)?;
            e.table.borrow_mut().insert(Slot::Peer(endpoint, peer))
        })
    })
}

/// Opens a stream over a live connection, and puts connection and stream id into `out`. Returns a handle; `PENDING` if it must wait
/// (`openStart`); `FAILED`. `flags`: see `open_options`.
pub(crate) struct OpenTry;

impl DirectCall for OpenTry {
    const NAME: &CStr = c"openTry";

    fn call(arguments: &mut Arguments) -> napi::Result<f64> {
        let (peer, header) = (arguments.number(0)?, arguments.bytes(1)?);
        let options = open_options(arguments.whole(2)?, arguments.number(3)?);
        let mut ids = [0.0; 2];
        let opened = Environment::with(&arguments.env(), |e| {
            e.answer(|e| {
                let (endpoint, peer) = get_peer(e, peer)?;
                match endpoint.try_open(&peer, header, options)? {
                    Some(stream) => insert_stream(e, stream, &mut ids),
                    None => Ok(PENDING),
                }
            })
        });
        for (place, id) in arguments.numbers_mut(4)?.iter_mut().zip(ids) {
            *place = id;
        }
        Ok(opened)
    }
}

/// Opens a stream, and waits until it is open. Operation; its outcome is a stream's handle.
#[napi(catch_unwind)]
pub fn open_start(env: Env, peer: f64, header: &[u8], flags: u32, timeout: f64) -> f64 {
    let header = header.to_vec();
    with_peer(&env, peer, move |endpoint, peer| async move {
        let stream = endpoint.get_stream(&peer, &header, open_options(flags, timeout)).await?;
        Ok(Outcome::Stream(Box::new(stream)))
    })
}

/// Connects to the peer, and guards the connection. Operation; its outcome is a connection's handle.
#[napi(catch_unwind)]
pub fn peer_connect(env: Env, peer: f64, timeout: f64) -> f64 {
    with_peer(&env, peer, move |endpoint, peer| async move {
        let view = endpoint.connect(&peer, milliseconds(timeout)).await?;
        Ok(Outcome::Connection(endpoint, view))
    })
}

/// Round-trip time; `timeout` is for the connection. Operation; its outcome is a number of milliseconds.
#[napi(catch_unwind)]
pub fn peer_ping(env: Env, peer: f64, timeout: f64) -> f64 {
    with_peer(&env, peer, move |endpoint, peer| async move {
        Ok(Outcome::Number(endpoint.ping(&peer, milliseconds(timeout)).await?.as_secs_f64() * 1000.0))
    })
}

/// Keeps the peer connected until the returned handle is released. Returns `FAILED` on an error.
#[napi(catch_unwind)]
pub fn peer_keep(env: Env, peer: f64) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let (_, peer) = get_peer(e, peer)?;
            e.table.borrow_mut().insert(Slot::KeepConnected(peer.keep()?))
        })
    })
}

fn get_peer(environment: &Environment, handle: f64) -> Result<(Endpoint, Arc<Peer>)> {
    match environment.table.borrow_mut().slot(handle) {
        Some(Slot::Peer(endpoint, peer)) => Ok((endpoint.clone(), peer.clone())),
        _ => Err(stale()),
    }
}

fn with_peer<F>(env: &Env, handle: f64, call: impl FnOnce(Endpoint, Arc<Peer>) -> F) -> f64
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    match Environment::with(env, |e| get_peer(e, handle)) {
        Ok((endpoint, peer)) => start(env, call(endpoint, peer)),
        Err(error) => start(env, async move { Err(error) }),
    }
}

impl From<&PeerAddress> for BindingPeer {
    fn from(address: &PeerAddress) -> Self {
        Self {
            id52: address.id.to_string(),
            addresses: address.addresses.iter().map(ToString::to_string).collect(),
            relays: address.relays.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<&BindingPeer> for PeerAddress {
    type Error = Error;

    fn try_from(peer: &BindingPeer) -> Result<Self> {
        Self::parse(&peer.id52, &peer.addresses, &peer.relays)
    }
}
