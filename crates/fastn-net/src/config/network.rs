//! Which sockets, relays and look-ups an endpoint uses, as an iroh builder.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use iroh::{
    RelayConfig, RelayMap, RelayMode, RelayUrl,
    address_lookup::{AddrFilter, DnsAddressLookup, PkarrPublisher, PkarrResolver},
    dns::DnsResolver,
    endpoint::{Builder, NetReportConfig, PortmapperConfig, presets},
};
use iroh_mdns_address_lookup::MdnsAddressLookup;

use crate::error::{Code, Error, Result};

/// Any port of this machine's own address.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where an endpoint looks for peers and lets itself be found.
#[derive(Clone, Debug)]
pub enum Network {
    /// The public relays and look-up of n0, mDNS, port mapping.
    Internet,
    /// mDNS only: no relay, no look-up, no port mapping.
    Lan,
    /// 127.0.0.1 only: contacts nothing.
    Loopback,
    /// One's own servers.
    Custom(CustomNetwork),
}

/// One's own relays and look-up servers.
#[derive(Clone, Debug, Default)]
pub struct CustomNetwork {
    /// Relays, the first reachable one with the least delay becomes home.
    pub relays: Vec<Relay>,
    /// Origin domain under which peers are looked up by DNS.
    pub dns_origin: Option<String>,
    /// The DNS server to ask, instead of the system's.
    pub dns_server: Option<SocketAddr>,
    /// pkarr relay to publish to and to look up from.
    pub pkarr: Option<String>,
    /// Look-up by mDNS in the local network.
    pub mdns: bool,
    /// `UPnP`, PCP and NAT-PMP.
    pub port_mapping: bool,
    /// Socket addresses to bind; empty: every interface, a port of the system's choice.
    pub bind: Vec<SocketAddr>,
}

/// A relay and what it asks for.
#[derive(Clone, Debug)]
pub struct Relay {
    /// `https://…` (or `http://…` for a local one).
    pub url: RelayUrl,
    /// Token the relay wants to see.
    pub token: Option<String>,
}

impl Network {
    /// A home relay can be waited for.
    pub(crate) fn has_relays(&self) -> bool {
        match self {
            Self::Internet => true,
            Self::Lan | Self::Loopback => false,
            Self::Custom(custom) => !custom.relays.is_empty(),
        }
    }

    /// The addresses that are bound.
    pub(crate) fn bind_addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::Loopback => vec![LOOPBACK],
            Self::Custom(custom) if !custom.bind.is_empty() => custom.bind.clone(),
            _ => vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))],
        }
    }

    /// The iroh builder for this network.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for a pkarr URL that cannot be read, `ERR_BIND` for an address that cannot be bound.
    pub(crate) fn builder(&self) -> Result<Builder> {
        match self {
            Self::Internet => Ok(Builder::new(presets::N0).address_lookup(MdnsAddressLookup::builder())),
            Self::Lan => Ok(private().address_lookup(MdnsAddressLookup::builder())),
            Self::Loopback => bind(private(), &[LOOPBACK]),
            Self::Custom(custom) => custom.builder(),
        }
    }
}

impl CustomNetwork {
    fn builder(&self) -> Result<Builder> {
        let mut builder = Builder::new(presets::Minimal).clear_address_lookup();
        builder = if self.port_mapping { builder } else { builder.portmapper_config(PortmapperConfig::Disabled) };
        builder = if self.relays.is_empty() {
            builder.relay_mode(RelayMode::Disabled).net_report_config(NetReportConfig::minimal())
        } else {
            builder.relay_mode(RelayMode::Custom(self.relays.iter().map(Relay::config).collect::<RelayMap>()))
        };
        if let Some(server) = self.dns_server {
            builder = builder.dns_resolver(DnsResolver::with_nameserver(server));
        }
        if let Some(pkarr) = &self.pkarr {
            let url = pkarr.parse::<url::Url>().map_err(|e| {
                Error::new(Code::InvalidArgument, format!("network.pkarr {pkarr:?} is no URL")).with_source(e)
            })?;
            // Without a relay the addresses are all there is to publish.
            let filter = if self.relays.is_empty() { AddrFilter::unfiltered() } else { AddrFilter::relay_only() };
            builder = builder
                .address_lookup(PkarrPublisher::builder(url.clone()).addr_filter(filter))
                .address_lookup(PkarrResolver::builder(url));
        }
        if let Some(origin) = &self.dns_origin {
            builder = builder.address_lookup(DnsAddressLookup::builder(origin.clone()));
        }
        if self.mdns {
            builder = builder.address_lookup(MdnsAddressLookup::builder());
        }
        if self.bind.is_empty() { Ok(builder) } else { bind(builder, &self.bind) }
    }
}

impl Relay {
    fn config(&self) -> RelayConfig {
        // A relay on plain HTTP is a local one: it has no QUIC side to probe for our address.
        let config = if self.url.scheme() == "http" {
            RelayConfig::new(self.url.clone(), None)
        } else {
            RelayConfig::from(self.url.clone())
        };
        match &self.token {
            Some(token) => config.with_auth_token(token.clone()),
            None => config,
        }
    }
}

/// Crypto only: no relay, no look-up. The port mapper must be switched off by name, and with an empty
/// relay map no probe is sent (iroh would otherwise multicast for a gateway even on loopback).
fn private() -> Builder {
    Builder::new(presets::Minimal)
        .clear_address_lookup()
        .relay_mode(RelayMode::Disabled)
        .portmapper_config(PortmapperConfig::Disabled)
        .net_report_config(NetReportConfig::minimal())
}

/// Binds these addresses and no other: `bind_addr` alone would leave the wildcard of the other family.
fn bind(builder: Builder, addresses: &[SocketAddr]) -> Result<Builder> {
    addresses.iter().try_fold(builder.clear_ip_transports(), |builder, address| {
        builder
            .bind_addr(*address)
            .map_err(|e| Error::new(Code::Bind, format!("{address} cannot be bound: {e}")).with_source(e))
    })
}
