//! The policy of a running endpoint.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{
    config::{Policy, PolicyEffect, Subject},
    identity::PublicKey,
    protocol::Protocol,
    quota::{Bucket, Quota},
    wire::refusal::{Refusal, word},
};

/// The policy of an endpoint, replaced as a whole.
#[derive(Debug, Default)]
pub(super) struct CurrentPolicy {
    /// 0 until there is a policy. Each replacement makes another one.
    version: AtomicU64,
    installed: RwLock<Option<Arc<InstalledPolicy>>>,
}

/// A policy, and the rates that all peers share.
#[derive(Debug)]
pub(crate) struct InstalledPolicy {
    pub(super) version: u64,
    policy: Policy,
    shared: HashMap<usize, Mutex<Bucket>>,
}

impl CurrentPolicy {
    /// Replaces the policy. Every later [`CurrentPolicy::get`] returns it.
    pub(super) fn replace(&self, policy: Option<Policy>) {
        let mut installed = self.installed.write().expect("no panic while held");
        // Under the lock, so that a version has one policy.
        let version = self.version.load(Ordering::Acquire) + 1;
        *installed = policy.map(|policy| Arc::new(InstalledPolicy::new(version, policy)));
        self.version.store(version, Ordering::Release);
    }

    /// The policy, if there is one. Without one, an atomic load.
    pub(super) fn get(&self) -> Option<Arc<InstalledPolicy>> {
        if self.version() == 0 {
            return None;
        }
        self.installed.read().expect("no panic while held").clone()
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }
}

/// The refusal of a stream of this protocol.
pub(super) fn denied(protocol: &Protocol) -> Refusal {
    Refusal::new(word::UNAUTHORIZED, format!("this key may not use {protocol}"))
}

impl InstalledPolicy {
    fn new(version: u64, policy: Policy) -> Self {
        let shared = policy.effects().iter().enumerate();
        let shared = shared.filter(|(_, effect)| matches!(effect, PolicyEffect::LimitAll(_)));
        let shared = shared.map(|(rule, _)| (rule, Mutex::default())).collect();
        Self { version, policy, shared }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides about a new stream, and takes a token of its rate. Returns whether the authorizer is asked.
    pub(super) fn admit(
        &self,
        peer: &PublicKey,
        subject: &Subject,
        protocol: &Protocol,
        quota: &Quota,
    ) -> Result<bool, Refusal> {
        let decision = self.policy.decide_subject(peer, subject);
        let (rate, whose, bucket) = match decision.effect {
            PolicyEffect::Allow => return Ok(false),
            PolicyEffect::Ask => return Ok(true),
            PolicyEffect::Deny => return Err(denied(protocol)),
            PolicyEffect::Limit(rate) => (rate, "this key", None),
            PolicyEffect::LimitAll(rate) => (rate, "all keys", decision.rule.and_then(|rule| self.shared.get(&rule))),
        };
        let now = Instant::now();
        let taken = match bucket {
            Some(bucket) => bucket.lock().expect("no panic while held").take(rate, now),
            None => quota.take_of_rule(self.version, decision.rule, rate, now),
        };
        taken.map(|()| false).map_err(|wait| {
            let (most, wait) = (rate.per_second, wait.as_secs_f32());
            Refusal::new(word::BUSY, format!("{most} new streams of {protocol} a second of {whose}: wait {wait:.3} s"))
        })
    }
}
