//! One rule: hosts, addresses and ports.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
};

use ipnet::IpNet;

use super::{
    host::{Host, invalid, name, port_of},
    reserved::{block_of, hides_ipv4},
};
use crate::error::{Error, Result};

const ALL_PORTS: RangeInclusive<u16> = 1..=u16::MAX;

/// One rule of [`super::Targets`], which describes the text form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    hosts: Hosts,
    /// `None`: public addresses.
    range: Option<IpNet>,
    ports: RangeInclusive<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Any,
    Name(String),
    /// Names that end with a dot and this suffix.
    Below(String),
}

impl Rule {
    /// Whether the rule may allow some address of this host.
    pub(super) fn matches(&self, host: &Host, port: u16) -> bool {
        let matches_host = match (&self.hosts, host) {
            (Hosts::Any, _) => true,
            (_, Host::Ip(_)) => false,
            (Hosts::Name(name), Host::Name(asked)) => name == asked,
            (Hosts::Below(parent), Host::Name(asked)) => {
                asked.strip_suffix(parent.as_str()).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
            }
        };
        matches_host && self.ports.contains(&port)
    }

    /// Whether the rule allows this address of a host that [`Rule::matches`]. A non-public block of addresses is open only to rules
    /// within it: `0.0.0.0/0` opens no private network.
    pub(super) fn allows(&self, address: SocketAddr) -> bool {
        let block = block_of(address.ip());
        match self.range {
            None => block.is_none(),
            Some(range) => range.contains(&address.ip()) && block.is_none_or(|block| block.contains(&range)),
        }
    }
}

impl FromStr for Rule {
    type Err = Error;

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    fn from_str(text: &str) -> Result<Self> {
        let advice = "write a name, *.name, *, an IP address or a range such as 10.0.0.0/8, then :port or :port-port";
        let invalid_rule = || invalid(text, "no target rule", advice);
        let (hosts, rest) = match text.split_once('@') {
            Some((hosts, rest)) => (Some(hosts), rest),
            None => (None, text),
        };
        let (host, ports) = split_ports(rest).ok_or_else(invalid_rule)?;
        let ports = ports.map_or(Some(ALL_PORTS), ports_of).ok_or_else(invalid_rule)?;
        let range = range_of(host);
        if let Some(range) = range.filter(|range| range.trunc() != *range) {
            return Err(invalid(text, "no range", &format!("write {}", range.trunc())));
        }
        if range.is_some_and(hides_ipv4) {
            return Err(invalid(text, "IPv4 within IPv6, which no client reaches", "write the IPv4 range"));
        }
        let hosts = match (hosts, range) {
            (Some(hosts), Some(_)) => hosts_of(hosts),
            (None, Some(_)) => Some(Hosts::Any),
            (None, None) => hosts_of(host),
            (Some(_), None) => None,
        };
        Ok(Self { hosts: hosts.ok_or_else(invalid_rule)?, range, ports })
    }
}

/// The text form.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_ports = self.ports != ALL_PORTS;
        match (&self.hosts, self.range) {
            (Hosts::Any, None) => f.write_str("*")?,
            (Hosts::Any, Some(_)) => {}
            (Hosts::Name(name), _) => f.write_str(name)?,
            (Hosts::Below(parent), _) => write!(f, "*.{parent}")?,
        }
        if let Some(range) = self.range {
            let at = if self.hosts == Hosts::Any { "" } else { "@" };
            match range {
                IpNet::V6(_) if has_ports => write!(f, "{at}[{range}]")?,
                _ => write!(f, "{at}{range}")?,
            }
        }
        match (self.ports.start(), self.ports.end()) {
            _ if !has_ports => Ok(()),
            (first, last) if first == last => write!(f, ":{first}"),
            (first, last) => write!(f, ":{first}-{last}"),
        }
    }
}

/// Splits a rule into its hosts or range, and the text of its ports. IPv6 with ports has brackets.
fn split_ports(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (range, ports) = rest.split_once(']')?;
        if !range.contains(':') {
            return None;
        }
        return if ports.is_empty() { Some((range, None)) } else { Some((range, Some(ports.strip_prefix(':')?))) };
    }
    match text.split_once(':') {
        Some((host, ports)) if !ports.contains(':') => Some((host, Some(ports))),
        _ => Some((text, None)),
    }
}

fn ports_of(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ports = port_of(first)?..=port_of(last)?;
    (!ports.is_empty()).then_some(ports)
}

fn range_of(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn hosts_of(text: &str) -> Option<Hosts> {
    if text == "*" {
        return Some(Hosts::Any);
    }
    match text.strip_prefix("*.") {
        Some(parent) => name(parent).map(Hosts::Below),
        None => name(text).map(Hosts::Name),
    }
}
