//! Access lists, authorization requests and the rate of streams.

use std::task::Poll;

use fastn_net::{AccessLists, Authorize, PublicKey, Rate, Result};
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, whole_u32},
    bridge::{Channel, Environment, Outcome, Slot, id_to_number, number_to_id, stale, start},
    options::{BindingOptions, set_options},
};

/// Access, authorization and rate options of an endpoint.
#[napi(object, use_nullable = true)]
pub struct BindingGuardOptions {
    /// Initial access lists.
    pub access: BindingAccess,
    /// Subjects and limits of authorization requests.
    pub authorize: BindingOptions,
    /// Sustained rate of new streams of one peer.
    pub streams_per_second: Option<f64>,
    /// Burst of new streams of one peer.
    pub streams_burst: f64,
}

/// [`AccessLists`] for JavaScript, with ID52s.
#[napi(object, use_nullable = true)]
#[derive(Default)]
pub struct BindingAccess {
    /// Peers that may connect; null: all.
    pub allow: Option<Vec<String>>,
    /// Denied peers.
    pub deny: Vec<String>,
}

/// An authorization request.
#[napi(object, use_nullable = true)]
pub struct BindingAuthorizationRequest {
    /// Number for the answer.
    pub number: f64,
    /// ID52 of the peer.
    pub id52: String,
    /// JSON of the protocol; null for a request about the peer.
    pub protocol: Option<String>,
}

/// The access lists.
#[napi(catch_unwind)]
pub fn endpoint_access(env: Env, endpoint: f64) -> Option<BindingAccess> {
    Environment::with(&env, |e| e.value(|e| Ok(endpoint_of(e, endpoint)?.access().into())))
}

/// Replaces the access lists. 0 or `FAILED`.
#[napi(catch_unwind)]
pub fn endpoint_access_set(env: Env, endpoint: f64, access: BindingAccess) -> f64 {
    change(&env, endpoint, || access.try_into(), |lists, new| *lists = new)
}

/// Allows these peers. Returns 0 or `FAILED`.
#[napi(catch_unwind)]
pub fn endpoint_access_allow(env: Env, endpoint: f64, ids: Vec<String>) -> f64 {
    change(&env, endpoint, || keys(&ids), |lists, keys: Vec<_>| keys.into_iter().for_each(|key| lists.allow(key)))
}

/// Denies these peers. 0 or `FAILED`.
#[napi(catch_unwind)]
pub fn endpoint_access_deny(env: Env, endpoint: f64, ids: Vec<String>) -> f64 {
    change(&env, endpoint, || keys(&ids), |lists, keys: Vec<_>| keys.into_iter().for_each(|key| lists.deny(key)))
}

/// Authorizes connected peers and queued streams again. Operation; cancelling it only ends the wait.
#[napi(catch_unwind)]
pub fn endpoint_reauthorize(env: Env, endpoint: f64) -> f64 {
    // Begins now, not when the operation runs: JavaScript may take a stream before that.
    let answered = Environment::with(&env, |e| endpoint_of(e, endpoint)).map(|endpoint| endpoint.reauthorize());
    start(&env, async move {
        answered?.await;
        Ok(Outcome::Nothing)
    })
}

/// Takes the endpoint's authorization requests. Returns a handle or `FAILED`. Releasing it denies all pending and later requests.
#[napi(catch_unwind)]
pub fn endpoint_authorization_requests(env: Env, endpoint: f64) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let requests = endpoint_of(e, endpoint)?.authorization_requests()?;
            e.table.borrow_mut().insert(Slot::AuthorizationRequests(requests))
        })
    })
}

/// Takes at most `most` pending requests. An empty list: the waker is armed. Null once the endpoint has closed.
#[napi(catch_unwind)]
pub fn authorization_requests_take(env: Env, requests: f64, most: u32) -> Option<Vec<BindingAuthorizationRequest>> {
    Environment::with(&env, |e| {
        e.value(|e| {
            let polled = e.table.borrow_mut().poll(requests, Channel::Read, |slot, cx| match slot {
                Slot::AuthorizationRequests(requests) => Some(requests.poll_take(cx, most as usize)),
                _ => None,
            });
            let Poll::Ready(asked) = polled.flatten().ok_or_else(stale)? else { return Ok(Vec::new()) };
            let cross = |request: fastn_net::AuthorizationRequest| BindingAuthorizationRequest {
                number: id_to_number(request.number),
                id52: request.peer.to_string(),
                protocol: request.protocol.map(|protocol| protocol.to_json()),
            };
            Ok(asked?.into_iter().map(cross).collect())
        })
    })
}

/// Answers an authorization request. No-op if it is no longer pending.
#[napi(catch_unwind)]
pub fn authorization_requests_answer(env: Env, requests: f64, number: f64, may: bool) {
    Environment::with(&env, |e| {
        if let Some(Slot::AuthorizationRequests(requests)) = e.table.borrow_mut().slot(requests) {
            requests.answer(number_to_id(number), may);
        }
    });
}

fn change<T>(
    env: &Env,
    endpoint: f64,
    read: impl FnOnce() -> Result<T>,
    change: impl FnOnce(&mut AccessLists, T),
) -> f64 {
    Environment::with(env, |e| {
        e.answer(|e| {
            let read = read()?;
            endpoint_of(e, endpoint)?.change_access(|lists| change(lists, read));
            Ok(0.0)
        })
    })
}

fn keys<C: FromIterator<PublicKey>>(ids: &[String]) -> Result<C> {
    ids.iter().map(|id| PublicKey::parse(id)).collect()
}

impl BindingGuardOptions {
    pub(crate) fn authorize(&self) -> Result<Option<Authorize>> {
        let mut authorize = Authorize::default();
        set_options(&self.authorize, |name, value| authorize.set(name, value))?;
        Ok((authorize.peer || authorize.stream).then_some(authorize))
    }

    pub(crate) fn stream_rate(&self) -> Option<Rate> {
        self.streams_per_second.map(|most| Rate { per_second: whole_u32(most), burst: whole_u32(self.streams_burst) })
    }
}

impl From<AccessLists> for BindingAccess {
    fn from(lists: AccessLists) -> Self {
        let texts = |keys: std::collections::HashSet<PublicKey>| keys.iter().map(ToString::to_string).collect();
        Self { allow: lists.allow.map(texts), deny: texts(lists.deny) }
    }
}

impl TryFrom<BindingAccess> for AccessLists {
    type Error = fastn_net::Error;

    fn try_from(access: BindingAccess) -> Result<Self> {
        Ok(Self { allow: access.allow.as_deref().map(keys).transpose()?, deny: keys(&access.deny)? })
    }
}
