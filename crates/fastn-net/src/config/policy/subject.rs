//! The parts of a stream that the rules of a policy name.

use crate::protocol::{Protocol, ProtocolKey};

/// Longest protocol that a rule can name, as JSON.
pub(super) const MAX_KEY: usize = 1024;

/// Longest name of a service, or of a kind of services, in a rule.
pub(super) const MAX_NAME: usize = 255;

/// The parts of a stream's protocol that rules name. A part longer than in any rule is omitted: an open stream keeps its subject, and a
/// peer must not make that large.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(super) key: Option<ProtocolKey>,
    /// Kind and name of the service.
    pub(super) service: Option<(Box<str>, Box<str>)>,
}

impl Subject {
    /// `key` is the protocol's.
    pub(crate) fn of(protocol: &Protocol, key: ProtocolKey) -> Self {
        let service = protocol.as_service().filter(|(kind, name)| kind.len() <= MAX_NAME && name.len() <= MAX_NAME);
        Self {
            key: (key.len() <= MAX_KEY).then_some(key),
            service: service.map(|(kind, name)| (kind.into(), name.into())),
        }
    }
}
