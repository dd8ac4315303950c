//! Rules as hash tables that find the first matching rule.

use std::collections::HashMap;

use super::{
    PolicyRule, Subject,
    subject::{MAX_KEY, MAX_NAME},
};
use crate::protocol::ProtocolKey;

/// Stands for no matching rule. Greater than every rule's index.
pub(super) const NONE: u32 = u32::MAX;

/// The streams that a rule matches, of any peer.
#[derive(Debug)]
pub(super) enum Pattern {
    All,
    Exact(ProtocolKey),
    Kind(String),
    /// Services with this name, of every kind.
    Service(String),
    KindAndService(String, String),
}

impl Pattern {
    /// # Errors
    ///
    /// Why no stream can match the rule.
    pub(super) fn of(rule: &PolicyRule) -> Result<Self, &'static str> {
        let service = rule.service.clone();
        if service.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return Err("the name of its service is longer than 255 bytes");
        }
        let Some(protocol) = &rule.protocol else {
            return Ok(service.map_or(Self::All, Self::Service));
        };
        let Some(kind) = protocol.service_kind() else {
            if service.is_some() {
                return Err("its protocol has no services, so that no stream has both");
            }
            let key = protocol.key();
            return if key.len() > MAX_KEY { Err("its protocol is longer than 1 KiB") } else { Ok(Self::Exact(key)) };
        };
        if kind.len() > MAX_NAME {
            return Err("its kind of service is longer than 255 bytes");
        }
        let kind = kind.to_owned();
        Ok(match service {
            None => Self::Kind(kind),
            Some(name) => Self::KindAndService(kind, name),
        })
    }
}

/// Rules for one set of peers. Each entry is the first rule with its pattern.
#[derive(Debug)]
pub(super) struct Table {
    /// The first rule that matches every stream.
    pub(super) any: u32,
    exact: HashMap<ProtocolKey, u32>,
    kinds: HashMap<String, Kind>,
    services: HashMap<String, u32>,
    /// Whether a peer with this table may use anything.
    pub(super) admits: bool,
}

#[derive(Debug)]
struct Kind {
    any: u32,
    services: HashMap<String, u32>,
}

impl Default for Kind {
    fn default() -> Self {
        Self { any: NONE, services: HashMap::new() }
    }
}

impl Default for Table {
    fn default() -> Self {
        let (exact, kinds, services) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { any: NONE, exact, kinds, services, admits: false }
    }
}

impl Table {
    /// Adds a rule. Call it in the order of the rules.
    pub(super) fn add(&mut self, rule: usize, pattern: &Pattern) {
        let rule = u32::try_from(rule).unwrap_or(NONE);
        match pattern {
            Pattern::All => self.any = self.any.min(rule),
            Pattern::Exact(key) => _ = self.exact.entry(key.clone()).or_insert(rule),
            Pattern::Service(name) => _ = self.services.entry(name.clone()).or_insert(rule),
            Pattern::Kind(name) => {
                let kind = self.kinds.entry(name.clone()).or_default();
                kind.any = kind.any.min(rule);
            }
            Pattern::KindAndService(name, service) => {
                self.kinds.entry(name.clone()).or_default().services.entry(service.clone()).or_insert(rule);
            }
        }
    }

    /// The first rule that matches, or [`NONE`].
    pub(super) fn first(&self, subject: &Subject) -> u32 {
        let exact = subject.key.as_ref().and_then(|key| self.exact.get(key));
        let first = self.any.min(exact.copied().unwrap_or(NONE));
        let Some((kind, name)) = &subject.service else { return first };
        let of_name = |services: &HashMap<String, u32>| services.get(&**name).copied().unwrap_or(NONE);
        let of_kind = self.kinds.get(&**kind).map_or(NONE, |kind| kind.any.min(of_name(&kind.services)));
        first.min(of_name(&self.services)).min(of_kind)
    }

    /// Its rules, in no particular order.
    pub(super) fn rules(&self) -> impl Iterator<Item = u32> {
        let of_kinds = self.kinds.values().flat_map(|kind| kind.services.values().copied().chain([kind.any]));
        let of_names = self.exact.values().chain(self.services.values()).copied();
        of_names.chain(of_kinds).chain([self.any]).filter(|rule| *rule != NONE)
    }
}
