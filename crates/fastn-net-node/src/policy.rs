//! The policy of an endpoint.

use fastn_net::{
    AccessDecision, Error, Policy, PolicyEffect, PolicyRule, PolicyRules, Protocol, PublicKey, Rate, Result,
};
use napi::Env;
use napi_derive::napi;

use crate::{
    arguments::{endpoint_of, whole, whole_u32},
    bridge::{Environment, StreamSlot},
};

/// Source of a policy.
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
    /// Effect on the stream.
    pub effect: BindingPolicyEffect,
}

/// Effect of a rule on a stream.
#[napi(object, use_nullable = true)]
pub struct BindingPolicyEffect {
    /// `allow`, `deny`, `ask`, `limit`, or `limitAll` for a rate that all peers share.
    pub kind: String,
    /// For a limit: sustained rate of new streams.
    pub per_second: f64,
    /// For a limit: burst of new streams.
    pub burst: f64,
}

/// The list or rule that decides about a stream.
#[napi(object, use_nullable = true)]
pub struct BindingAccessDecision {
    /// `deny` or `allow`, the lists; `rule`, `otherwise` or `nothing`.
    pub by: String,
    /// Index of the rule; null if none decides.
    pub rule: Option<f64>,
}

/// Replaces the policy; null: none. Ends everything that the new policy does not allow. 0 or `FAILED`.
#[napi(catch_unwind)]
pub fn endpoint_policy_set(env: Env, endpoint: f64, policy: Option<BindingPolicy>) -> f64 {
    Environment::with(&env, |e| {
        e.answer(|e| {
            let policy = policy.map(|policy| policy.try_into().and_then(Policy::new)).transpose()?;
            endpoint_of(e, endpoint)?.set_policy(policy);
            // Streams that no call waits on are reset now, not by their next call.
            e.table.borrow_mut().each_stream(|StreamSlot { stream, .. }| stream.end_if_revoked());
            Ok(0.0)
        })
    })
}

/// Explains the decision about a stream of a protocol (JSON), or of the service of that kind with this name. Null for an invalid argument.
#[napi(catch_unwind)]
pub fn endpoint_access_explain(
    env: Env,
    endpoint: f64,
    id52: String,
    protocol: String,
    service: Option<String>,
) -> Option<BindingAccessDecision> {
    Environment::with(&env, |e| {
        e.value(|e| {
            let (peer, kind) = (PublicKey::parse(&id52)?, Protocol::from_json(protocol.as_bytes())?);
            let protocol = service.map_or_else(|| Ok(kind.clone()), |name| kind.with_service(&name))?;
            let (by, rule) = match endpoint_of(e, endpoint)?.explain(&peer, &protocol) {
                AccessDecision::DenyList => ("deny", None),
                AccessDecision::AllowList => ("allow", None),
                AccessDecision::Policy(decision) => (decision.rule.map_or("otherwise", |_| "rule"), decision.rule),
                AccessDecision::NoPolicy => ("nothing", None),
            };
            #[expect(clippy::cast_precision_loss, reason = "an index of a list")]
            Ok(BindingAccessDecision { by: by.into(), rule: rule.map(|rule| rule as f64) })
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
