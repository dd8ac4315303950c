//! Access lists, the policy, authorization requests and quotas of peers.
//!
//! - `policy`: the current policy, and the permissions that it gives
//! - `authorizer`: the trait by which a program answers authorization requests
//! - `pending`: pending requests, bounded in number and in time
//! - `requests`: a queue of requests, for programs that poll

mod authorizer;
mod pending;
mod policy;
mod requests;

use std::sync::{Arc, atomic::AtomicUsize};

pub(crate) use self::pending::IfFull;
pub use self::{
    authorizer::{AuthorizationRequest, Authorizer},
    requests::AuthorizationRequests,
};
use self::{
    pending::{PendingAuthorizations, Verdict},
    policy::{CurrentPolicy, InstalledPolicy},
};
use crate::{
    config::{Access, AccessDecision, Authorize, Config, Limits, Policy, PolicyEffect, Subject},
    connection::{Connection, grant::Grant},
    error::{Code, Error, Result},
    identity::PublicKey,
    protocol::{Protocol, ProtocolKey},
    quota::{
        Exceeded, HeaderBytes, NegotiationExceeded, NegotiationPermit, Negotiations, Quota, StreamBounds, StreamPermit,
    },
    stream::Stream,
    wire::{
        codes::close,
        refusal::{Refusal, word},
    },
};

/// Decides which peers may connect, what they may use, and how much.
#[derive(Debug)]
pub(crate) struct Authorization {
    access: Arc<Access>,
    policy: CurrentPolicy,
    pending: Option<Arc<PendingAuthorizations>>,
    /// Held while peers and streams are authorized again.
    pub(crate) reauthorizing: tokio::sync::Mutex<()>,
    /// Open streams of all peers.
    streams: Arc<AtomicUsize>,
    bounds: StreamBounds,
    negotiations: Arc<AtomicUsize>,
    /// Limit in bytes of the headers that one peer's waiting streams hold.
    header_bytes: u64,
}

/// Close code and reason sent to a rejected peer.
pub(crate) struct Rejection {
    pub(crate) close_code: u64,
    pub(crate) reason: &'static str,
}

pub(crate) const UNAUTHORIZED: Rejection =
    Rejection { close_code: close::UNAUTHORIZED, reason: "this key is not authorized" };
const TIMED_OUT: Rejection =
    Rejection { close_code: close::UNAUTHORIZED, reason: "the authorization of this key timed out" };
const BUSY: Rejection = Rejection { close_code: close::LIMIT, reason: "too many authorizations are pending" };

impl Authorization {
    pub(crate) fn new(config: &Config) -> Self {
        let Limits { max_streams_per_peer, max_streams_total, stream_rate, .. } = config.limits;
        Self {
            access: Arc::new(Access::new(config.access.clone())),
            policy: CurrentPolicy::default(),
            pending: config.authorize.filter(|rules| rules.peer || rules.stream).map(PendingAuthorizations::new),
            reauthorizing: tokio::sync::Mutex::default(),
            streams: Arc::default(),
            bounds: StreamBounds { per_peer: max_streams_per_peer, total: max_streams_total, rate: stream_rate },
            negotiations: Arc::default(),
            header_bytes: config.limits.receive_window_per_peer,
        }
    }

    /// The quota of a new peer.
    pub(crate) fn quota(&self) -> Arc<Quota> {
        Quota::new(&self.streams, Negotiations::new(&self.negotiations, self.header_bytes))
    }

    pub(crate) fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// The pending requests.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` if authorization is not configured.
    pub(crate) fn pending(&self) -> Result<&PendingAuthorizations> {
        let text = "this endpoint requests no authorization: set Config::authorize, and peer or stream in it";
        self.pending.as_deref().ok_or_else(|| Error::new(Code::InvalidArgument, text))
    }

    /// Counts a waiting stream before it gets a task, until [`Authorization::take_stream_permit`] counts it.
    pub(crate) fn begin_negotiation(quota: &Arc<Quota>) -> Result<NegotiationPermit, Refusal> {
        NegotiationPermit::begin(quota).map_err(NegotiationExceeded::refusal)
    }

    /// Whether authorization requests are configured for peers or streams.
    pub(crate) fn asks(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether authorization requests are configured for streams.
    pub(crate) fn asks_about_streams(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.rules().stream)
    }

    /// Counts the header bytes of a stream before it waits with them.
    pub(crate) fn count_header_bytes(quota: &Arc<Quota>, count: usize) -> Result<HeaderBytes, Refusal> {
        HeaderBytes::begin(quota, count).map_err(NegotiationExceeded::refusal)
    }

    /// Counts header bytes that arrive while the stream waits.
    pub(crate) fn count_more_header_bytes(bytes: &mut HeaderBytes, count: usize) -> Result<(), Refusal> {
        bytes.add(count).map_err(NegotiationExceeded::refusal)
    }

    /// Checks a peer against the access lists, before any state is allocated for it.
    pub(crate) fn check_lists(&self, peer: &PublicKey) -> Result<(), Rejection> {
        if self.access.admits(peer) { Ok(()) } else { Err(UNAUTHORIZED) }
    }

    /// Checks a peer that connects: the access lists, and whether the policy lets it use anything.
    pub(crate) fn check_connection(&self, peer: &PublicKey) -> Result<(), Rejection> {
        self.check_lists(peer)?;
        let admits = self.policy.get().is_none_or(|installed| installed.policy().admits(peer));
        if admits { Ok(()) } else { Err(UNAUTHORIZED) }
    }

    /// Replaces the policy. Revoke permissions afterwards: [`Authorization::revoke`].
    pub(crate) fn set_policy(&self, policy: Option<Policy>) {
        self.policy.replace(policy);
    }

    /// Explains the decision about a stream of this protocol. Counts nothing.
    pub(crate) fn explain(&self, peer: &PublicKey, protocol: &Protocol) -> AccessDecision {
        let by_policy = || {
            let installed = self.policy.get();
            installed.map(|installed| AccessDecision::Policy(installed.policy().decide(peer, protocol)))
        };
        self.access.exclusion(peer).or_else(by_policy).unwrap_or(AccessDecision::NoPolicy)
    }

    /// Applies the policy to a new stream: its permission. `None` without a policy.
    pub(crate) fn apply_policy(
        &self,
        quota: &Quota,
        peer: &PublicKey,
        protocol: &Protocol,
        key: ProtocolKey,
    ) -> Result<Option<Arc<Grant>>, Refusal> {
        let Some(installed) = self.policy.get() else { return Ok(None) };
        let subject = Subject::of(protocol, key);
        let asks_authorizer = installed.admit(peer, &subject, protocol, quota)?;
        Ok(Some(Grant::new(subject, asks_authorizer)))
    }

    /// Revokes the permissions of a connection's streams that the policy no longer allows. Call it after a change, and for a permission
    /// that was given while the policy changed.
    pub(crate) fn revoke(&self, connection: &Connection) {
        let Some(installed) = self.policy.get() else { return };
        let peer = connection.remote();
        for grant in connection.grants() {
            if !self.may_go_on(&installed, &peer, grant.subject()) {
                grant.revoke();
            }
        }
    }

    /// Checks whether a permission still holds.
    pub(crate) fn check_grant(&self, peer: &PublicKey, protocol: &Protocol, grant: &Grant) -> Result<(), Refusal> {
        let is_allowed = || self.policy.get().is_none_or(|installed| self.may_go_on(&installed, peer, grant.subject()));
        if !grant.is_revoked() && is_allowed() { Ok(()) } else { Err(policy::denied(protocol)) }
    }

    /// Checks whether a stream may be queued, stay in a queue, or leave it. One that was accepted without a policy gets its permission from
    /// the current one.
    pub(crate) fn check_queued(&self, stream: &mut Stream, protocol: &Protocol) -> Result<(), Refusal> {
        let peer = stream.connection().remote();
        self.check_lists(&peer).map_err(Rejection::into_refusal)?;
        if !stream.has_grant()
            && let Some(installed) = self.policy.get()
        {
            let subject = Subject::of(protocol, protocol.key());
            let asks_authorizer = installed.policy().decide_subject(&peer, &subject).effect == PolicyEffect::Ask;
            let grant = Grant::new(subject, asks_authorizer);
            stream.set_grant(grant.clone());
            // After the connection lists it: a policy that is installed from here on revokes it.
            if self.check_grant(&peer, protocol, &grant).is_err() {
                grant.revoke();
            }
        }
        if stream.is_revoked() { Err(policy::denied(protocol)) } else { Ok(()) }
    }

    /// Whether the policy lets an admitted stream continue.
    fn may_go_on(&self, installed: &InstalledPolicy, peer: &PublicKey, subject: &Subject) -> bool {
        match installed.policy().decide_subject(peer, subject).effect {
            PolicyEffect::Deny => false,
            PolicyEffect::Ask => self.asks_about_streams(),
            PolicyEffect::Allow | PolicyEffect::Limit(_) | PolicyEffect::LimitAll(_) => true,
        }
    }

    /// The current epoch. Answers of a later epoch replace those of an earlier one.
    pub(crate) fn epoch(&self) -> u64 {
        self.access.epoch()
    }

    /// Requests authorization for a peer that the access lists admit.
    pub(crate) async fn check_peer(&self, peer: PublicKey) -> Result<(), Rejection> {
        self.authorize_peer(peer, IfFull::Refuse).await
    }

    pub(crate) async fn authorize_peer(&self, peer: PublicKey, if_full: IfFull) -> Result<(), Rejection> {
        let Some(pending) = self.pending.as_ref().filter(|pending| pending.rules().peer) else { return Ok(()) };
        match pending.request(peer, None, if_full).await {
            Verdict::Admitted => Ok(()),
            Verdict::Denied => Err(UNAUTHORIZED),
            Verdict::TimedOut => Err(TIMED_OUT),
            Verdict::Busy => Err(BUSY),
        }
    }

    /// Counts an open stream of a peer.
    pub(crate) fn take_stream_permit(&self, quota: &Arc<Quota>) -> Result<StreamPermit, Refusal> {
        quota.take(&self.bounds, std::time::Instant::now).map_err(|exceeded| {
            let (word, message) = match exceeded {
                Exceeded::OfOnePeer => {
                    let most = self.bounds.per_peer;
                    (word::TOO_MANY_STREAMS, format!("{most} streams of one peer at a time: finish some first"))
                }
                Exceeded::OfAll => (word::BUSY, "too many streams are open here".to_owned()),
                Exceeded::Rate(rate, wait) => {
                    let (most, wait) = (rate.per_second, wait.as_secs_f32());
                    (word::BUSY, format!("{most} new streams a second of one peer: wait {wait:.3} s"))
                }
            };
            Refusal::new(word, message)
        })
    }

    /// Whether the streams of such a connection need a check in this epoch.
    pub(crate) fn checks_streams(&self, connection: &Connection, epoch: u64) -> bool {
        connection.is_dialled()
            || self.pending.as_ref().is_some_and(|pending| {
                let Authorize { peer, stream, .. } = *pending.rules();
                stream || peer && connection.admission_in(epoch) != Some(true)
            })
    }

    /// Checks whether a peer may use a protocol on this connection, by the answers of this epoch. Without a protocol, the authorizer is
    /// not asked about the stream, only about the peer.
    pub(crate) async fn check_stream(
        &self,
        connection: &Connection,
        protocol: Option<&Protocol>,
        epoch: u64,
    ) -> Result<(), Refusal> {
        self.authorize_stream(connection, protocol, epoch, IfFull::Refuse).await
    }

    pub(crate) async fn authorize_stream(
        &self,
        connection: &Connection,
        protocol: Option<&Protocol>,
        epoch: u64,
        if_full: IfFull,
    ) -> Result<(), Refusal> {
        let peer = connection.remote();
        // An incoming connection was checked when it was admitted. A dialled one was not.
        self.check_lists(&peer).map_err(Rejection::into_refusal)?;
        let Some(pending) = &self.pending else { return Ok(()) };
        let Authorize { peer: checks_peer, stream: checks_stream, .. } = *pending.rules();
        if checks_peer {
            let request = async {
                match self.authorize_peer(peer, if_full).await {
                    Ok(()) => Ok(true),
                    Err(rejection) if rejection.close_code == close::UNAUTHORIZED => Ok(false),
                    Err(rejection) => Err(rejection.into_refusal()),
                }
            };
            if !connection.admit_peer(epoch, request).await? {
                return Err(UNAUTHORIZED.into_refusal());
            }
        }
        match protocol {
            Some(protocol) if checks_stream => {
                pending.request(peer, Some(protocol), if_full).await.into_result(protocol)
            }
            _ => Ok(()),
        }
    }

    /// Denies all pending and later requests.
    pub(crate) fn close(&self) {
        if let Some(pending) = &self.pending {
            pending.close();
        }
    }
}

impl Verdict {
    /// Maps the answer to the refusal of a stream of this protocol.
    fn into_result(self, protocol: &Protocol) -> Result<(), Refusal> {
        let (word, message) = match self {
            Verdict::Admitted => return Ok(()),
            Verdict::Denied => return Err(policy::denied(protocol)),
            Verdict::TimedOut => (word::UNAUTHORIZED, "the authorization of this stream timed out".to_owned()),
            Verdict::Busy => (word::BUSY, "too many authorizations are pending".to_owned()),
        };
        Err(Refusal::new(word, message))
    }
}

impl Rejection {
    pub(crate) fn into_refusal(self) -> Refusal {
        let word = if self.close_code == close::UNAUTHORIZED { word::UNAUTHORIZED } else { word::BUSY };
        Refusal::new(word, self.reason)
    }
}
