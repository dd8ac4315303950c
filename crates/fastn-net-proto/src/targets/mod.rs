//! The destinations that the peers of a proxy may reach.
//!
//! - [`Targets`], [`Rule`]: the rules
//! - [`Host`], [`Destination`]: a client's request

mod host;
mod reserved;
mod rule;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, str::FromStr};

pub use self::{
    host::{Destination, Host},
    rule::Rule,
};
use crate::error::Result;

/// The destinations that the peers of a proxy may reach. Without a rule: none. One rule that allows a destination is enough.
///
/// | rule | allows |
/// |---|---|
/// | `example.com` | this host, at public addresses |
/// | `*.example.com` | all hosts below it, not itself, at public addresses |
/// | `*` | every host, at public addresses |
/// | `192.0.2.7`, `10.1.0.0/16`, `fd00::/8` | these addresses, whether a client names a host or an address |
/// | `db.internal@10.0.0.0/8` | this host, at addresses in this range |
///
/// Each may end in `:443` or `:8000-8999`, and then allows only these ports. An IPv6 range then needs brackets: `[fd00::/8]:443`.
///
/// Public addresses are those that are routed on the internet. Others (loopback, private, link-local, multicast, NAT64, 6to4, …)
/// need a rule with a range within their block: `0.0.0.0/0` allows no private address, `10.0.0.0/8` does. IPv4-mapped and
/// IPv4-compatible addresses are never allowed.
///
/// ```
/// use fastn_net_proto::targets::{Destination, Targets};
///
/// let targets = Targets::parse(["*.example.com:443", "10.0.0.0/8:5432"])?;
/// let asked: Destination = "www.example.com:443".parse()?;
/// assert!(targets.matches(&asked));
/// assert!(targets.allows(&asked, "93.184.215.14:443".parse().unwrap()));
/// assert!(!targets.allows(&asked, "127.0.0.1:443".parse().unwrap()));
/// # fastn_net_proto::error::Result::<()>::Ok(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets(Vec<Rule>);

impl Targets {
    /// Parses rules in their text form.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for the first text that is not a rule.
    pub fn parse<'a>(rules: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        rules.into_iter().map(Rule::from_str).collect()
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some rule may allow the destination, so that its name is worth a look-up.
    #[must_use]
    pub fn matches(&self, destination: &Destination) -> bool {
        self.0.iter().any(|rule| rule.matches(&destination.host, destination.port))
    }

    /// Whether a rule allows connecting to this address for the destination. Check each address of a name, and connect to the checked
    /// one: another look-up may return another address.
    #[must_use]
    pub fn allows(&self, destination: &Destination, address: SocketAddr) -> bool {
        let is_of_host = match destination.host {
            Host::Ip(ip) => ip == address.ip(),
            Host::Name(_) => true,
        };
        let allows = |rule: &Rule| rule.matches(&destination.host, destination.port) && rule.allows(address);
        is_of_host && destination.port == address.port() && self.0.iter().any(allows)
    }
}

impl FromIterator<Rule> for Targets {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}
