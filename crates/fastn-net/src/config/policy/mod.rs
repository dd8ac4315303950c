//! A policy: which peers may use which protocols and services, and how often.
//!
//! - `table`: the rules as hash tables
//! - `subject`: the parts of a stream's protocol that rules name

mod subject;
mod table;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

pub(crate) use self::subject::Subject;
use self::table::{NONE, Pattern, Table};
use super::Rate;
use crate::{
    error::{Code, Error, Result},
    identity::PublicKey,
    protocol::Protocol,
};

/// Limit of entries in all tables of a policy together.
const MAX_ENTRIES: usize = 2_000_000;

/// Decides about the streams that peers open: by the first matching rule, or by [`PolicyRules::otherwise`].
///
/// Compiled to hash tables: a decision takes the same time for ten rules and for ten thousand. Install it with
/// [`Endpoint::set_policy`](crate::Endpoint::set_policy).
pub struct Policy {
    effects: Vec<PolicyEffect>,
    otherwise: PolicyEffect,
    /// The rules for every peer.
    everyone: Table,
    /// The other rules, for each combination of sets that some peer is in.
    classes: Vec<Table>,
    class_of: HashMap<PublicKey, usize>,
    /// Whether a peer that is in no set may use anything.
    admits_everyone: bool,
}

/// Source of a [`Policy`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyRules {
    /// Sets of peers, for [`PolicyRule::peers`].
    pub sets: Vec<HashSet<PublicKey>>,
    /// In order: the first matching rule decides.
    pub rules: Vec<PolicyRule>,
    /// For a stream that no rule matches.
    pub otherwise: PolicyEffect,
}

/// A rule. It matches a stream if each of its parts does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyRule {
    /// Index of a set of peers. `None` matches every peer.
    pub peers: Option<usize>,
    /// A protocol. A kind of service ([`Protocol::service_kind`]) matches all services of the kind, with or without a name. `None` matches
    /// every protocol.
    pub protocol: Option<Protocol>,
    /// Name of a service, empty for those without one. `None` matches every stream.
    pub service: Option<String>,
    /// Effect on the stream.
    pub effect: PolicyEffect,
}

/// Effect of a rule on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyEffect {
    /// Admits the stream. No [`Authorizer`](crate::Authorizer) is asked about it.
    Allow,
    /// Refuses the stream with `ERR_UNAUTHORIZED`.
    #[default]
    Deny,
    /// Asks the [`Authorizer`](crate::Authorizer). Refuses the stream if the endpoint does not request authorization for streams.
    Ask,
    /// Admits streams within a rate, for each peer. Refuses the others with `ERR_BUSY`.
    Limit(Rate),
    /// Admits streams within a rate, for all peers together. Refuses the others with `ERR_BUSY`.
    LimitAll(Rate),
}

/// Decision of a policy about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyDecision {
    /// Index of the rule that decides; `None`: no rule matches.
    pub rule: Option<usize>,
    /// Effect on the stream.
    pub effect: PolicyEffect,
}

impl Policy {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for a rule with a missing set, with a service name for a protocol without services, or with names that are
    /// too long. Also for more than 2 million entries, which is about the number of rules times the number of different combinations of
    /// sets.
    pub fn new(rules: PolicyRules) -> Result<Self> {
        let PolicyRules { sets, rules, otherwise } = rules;
        let patterns = rules.iter().enumerate().map(|(at, rule)| Pattern::of(rule).map_err(|text| invalid(at, text)));
        let patterns: Vec<_> = patterns.collect::<Result<_>>()?;
        let mut of_set: Vec<Vec<usize>> = vec![Vec::new(); sets.len()];
        let mut everyone = Table::default();
        for (at, rule) in rules.iter().enumerate() {
            match rule.peers {
                None => everyone.add(at, &patterns[at]),
                Some(set) => {
                    of_set.get_mut(set).ok_or_else(|| invalid(at, "its set of peers does not exist"))?.push(at);
                }
            }
        }
        // Peers that are in the same sets share a table.
        let mut sets_of: HashMap<PublicKey, Vec<usize>> = HashMap::new();
        for (set, peers) in sets.iter().enumerate().filter(|(set, _)| !of_set[*set].is_empty()) {
            for peer in peers {
                sets_of.entry(*peer).or_default().push(set);
            }
        }
        let (mut classes, mut by_sets, mut class_of) = (Vec::new(), HashMap::new(), HashMap::new());
        let mut entries = rules.len();
        for (peer, sets) in sets_of {
            let class = if let Some(class) = by_sets.get(&sets) {
                *class
            } else {
                let mut table = Table::default();
                let mut own: Vec<usize> = sets.iter().flat_map(|set| of_set[*set].iter().copied()).collect();
                own.sort_unstable();
                entries += own.len();
                if entries > MAX_ENTRIES {
                    let text =
                        format!("the policy has more than {MAX_ENTRIES} entries: use fewer combinations of groups");
                    return Err(Error::new(Code::InvalidArgument, text));
                }
                for rule in own {
                    table.add(rule, &patterns[rule]);
                }
                classes.push(table);
                by_sets.insert(sets, classes.len() - 1);
                classes.len() - 1
            };
            class_of.insert(peer, class);
        }
        let effects = rules.iter().map(|rule| rule.effect).collect();
        let mut policy = Self { effects, otherwise, everyone, classes, class_of, admits_everyone: false };
        policy.note_who_may_connect();
        Ok(policy)
    }

    /// Decides about a stream of this protocol that the peer opens.
    #[must_use]
    pub fn decide(&self, peer: &PublicKey, protocol: &Protocol) -> PolicyDecision {
        self.decide_subject(peer, &Subject::of(protocol, protocol.key()))
    }

    pub(crate) fn decide_subject(&self, peer: &PublicKey, subject: &Subject) -> PolicyDecision {
        let of_class = self.class(peer).map_or(NONE, |class| class.first(subject));
        self.decision(of_class.min(self.everyone.first(subject)))
    }

    /// Effect of each rule.
    pub(crate) fn effects(&self) -> &[PolicyEffect] {
        &self.effects
    }

    /// Whether the peer may use anything.
    #[must_use]
    pub fn admits(&self, peer: &PublicKey) -> bool {
        self.class(peer).map_or(self.admits_everyone, |class| class.admits)
    }

    fn decision(&self, rule: u32) -> PolicyDecision {
        let index = (rule != NONE).then_some(rule as usize);
        PolicyDecision { rule: index, effect: index.map_or(self.otherwise, |index| self.effects[index]) }
    }

    fn class(&self, peer: &PublicKey) -> Option<&Table> {
        self.class_of.get(peer).map(|class| &self.classes[*class])
    }

    fn note_who_may_connect(&mut self) {
        let may_admit = |rule: u32| self.decision(rule).effect != PolicyEffect::Deny;
        // Rules after one that matches every stream have no effect.
        let admits = |own: Option<&Table>| {
            let last = own.map_or(NONE, |table| table.any).min(self.everyone.any);
            let of = |table: &Table| table.rules().any(|rule| rule < last && may_admit(rule));
            may_admit(last) || of(&self.everyone) || own.is_some_and(of)
        };
        let everyone = admits(None);
        let classes: Vec<bool> = self.classes.iter().map(|table| admits(Some(table))).collect();
        self.admits_everyone = everyone;
        for (table, admits) in self.classes.iter_mut().zip(classes) {
            table.admits = admits;
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.effects.len())
            .field("peers", &self.class_of.len())
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}

fn invalid(rule: usize, text: &str) -> Error {
    Error::new(Code::InvalidArgument, format!("rule {rule} of the policy cannot be used: {text}"))
}
