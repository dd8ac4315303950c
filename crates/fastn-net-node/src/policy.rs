//! The policy of an endpoint.

use fastn_net::{Error, Policy, PolicyEffect, PolicyRule, PolicyRules, Protocol, PublicKey, Rate, Result};
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, whole, whole_u32},
    bridge::{Environment, StreamSlot},
};

/// What a policy is compiled from.
#[napi(object, use_nullable = true)]
pub struct BindingPolicy {
    /// Sets of ID52s.
    pub sets: Vec<Vec<String>>,
    /// In order: the first that matches a stream decides.
    pub rules: Vec<BindingPolicyRule>,
    /// For a stream that no rule matches.
    pub otherwise: BindingPolicyEffect,
}

/// A rule. Null matches everything.
#[napi(object, use_nullable = true)]
pub struct BindingPolicyRule {
    /// Index of a set.
    pub peers: Option<f64>,
    /// JSON of a protocol.
    pub protocol: Option<String>,
    /// Name of a service.
    pub service: Option<String>,
    /// What happens to the stream.
    pub effect: BindingPolicyEffect,
}

/// What happens to a stream.
#[napi(object, use_nullable = true)]
pub struct BindingPolicyEffect {
    /// `allow`, `deny`, `ask`, `limit`, or `limitAll` for a rate that all peers share.
    pub kind: String,
    /// Of a limit: new streams.
    pub per_second: f64,
    /// Of a limit: new streams at once.
    pub burst: f64,
}

/// What a policy says of a stream.
#[napi(object, use_nullable = true)]
pub struct BindingPolicyDecision {
    /// Whether there is a policy.
    pub has_policy: bool,
    /// Index of the rule; null if none matches.
    pub rule: Option<f64>,
}

/// Replaces the policy; null: none. Ends what the new one does not allow. 0 or `FAILED`.
#[napi(catch_unwind)]
pub fn endpoint_policy_set(env: Env, endpoint: f64, policy: Option<BindingPolicy>) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let policy = policy.map(|policy| policy.try_into().and_then(Policy::new)).transpose()?;
            endpoint_of(e, endpoint)?.set_policy(policy);
            // Those that no call waits on: their peers are told now.
            e.table.borrow_mut().each_stream(|StreamSlot { stream, .. }| stream.end_if_revoked());
            Ok(0.0)
        })
    })
}

/// What the policy says of a stream of a protocol, which is JSON. Null if an argument is no use.
#[napi(catch_unwind)]
pub fn endpoint_policy_decide(
    env: Env,
    endpoint: f64,
    id52: String,
    protocol: String,
) -> Option<BindingPolicyDecision> {
    Environment::with(&env, |e| {
        e.value(|e| {
            let (peer, protocol) = (PublicKey::parse(&id52)?, Protocol::from_json(protocol.as_bytes())?);
            let decision = endpoint_of(e, endpoint)?.policy_decision(&peer, &protocol);
            #[expect(clippy::cast_precision_loss, reason = "an index of a list")]
            let rule = decision.and_then(|decision| decision.rule).map(|rule| rule as f64);
            Ok(BindingPolicyDecision { has_policy: decision.is_some(), rule })
        })
    })
}

impl TryFrom<BindingPolicy> for PolicyRules {
    type Error = Error;

    fn try_from(policy: BindingPolicy) -> Result<Self> {
        let keys = |ids: &Vec<String>| ids.iter().map(|id| PublicKey::parse(id)).collect();
        let rule = |rule: BindingPolicyRule| {
            Ok(PolicyRule {
                peers: rule.peers.map(whole),
                protocol: rule.protocol.map(|json| Protocol::from_json(json.as_bytes())).transpose()?,
                service: rule.service,
                effect: rule.effect.into(),
            })
        };
        Ok(Self {
            sets: policy.sets.iter().map(keys).collect::<Result<_>>()?,
            rules: policy.rules.into_iter().map(rule).collect::<Result<_>>()?,
            otherwise: policy.otherwise.into(),
        })
    }
}

impl From<BindingPolicyEffect> for PolicyEffect {
    fn from(effect: BindingPolicyEffect) -> Self {
        let rate = || Rate { per_second: whole_u32(effect.per_second), burst: whole_u32(effect.burst) };
        match effect.kind.as_str() {
            "allow" => Self::Allow,
            "ask" => Self::Ask,
            "limit" => Self::Limit(rate()),
            "limitAll" => Self::LimitAll(rate()),
            _ => Self::Deny,
        }
    }
}
