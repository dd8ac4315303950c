//! A network as an iroh builder.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use iroh::{
    RelayConfig, RelayMap, RelayMode,
    address_lookup::{AddrFilter, DnsAddressLookup, PkarrPublisher, PkarrResolver},
    dns::DnsResolver,
    endpoint::{Builder, NetReportConfig, PortmapperConfig, presets},
};
use iroh_mdns_address_lookup::MdnsAddressLookup;

use crate::{
    config::{CustomNetwork, Network, Relay},
    error::{Code, Error, Result},
};

/// Name under which iroh up to 0.35, and so every released malai, looks for peers by mDNS. Later versions of iroh have another.
const MALAI_MDNS_SERVICE: &str = "iroh.local.swarm";

/// Loopback, with a port chosen by the system.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The addresses to bind.
pub(crate) fn bind_addresses(network: &Network) -> Vec<SocketAddr> {
    match network {
        Network::Loopback => vec![LOOPBACK],
        Network::Custom(custom) if !custom.bind.is_empty() => custom.bind.clone(),
        _ => vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))],
    }
}

/// The iroh builder for this network. `kulfi`: malai peers find this endpoint by mDNS too, and are found.
///
/// # Errors
///
/// `ERR_INVALID_ARGUMENT` for a pkarr URL that cannot be read, `ERR_BIND` for an address that cannot be bound.
pub(crate) fn builder(network: &Network, kulfi: bool) -> Result<Builder> {
    let builder = own_builder(network)?;
    if kulfi && network.has_mdns() {
        return Ok(builder.address_lookup(MdnsAddressLookup::builder().service_name(MALAI_MDNS_SERVICE)));
    }
    Ok(builder)
}

fn own_builder(network: &Network) -> Result<Builder> {
    match network {
        Network::Internet => Ok(Builder::new(presets::N0).address_lookup(MdnsAddressLookup::builder())),
        Network::Lan => Ok(private().address_lookup(MdnsAddressLookup::builder())),
        Network::Loopback => bind(private(), &[LOOPBACK]),
        Network::Custom(custom) => custom_builder(custom),
    }
}

fn custom_builder(custom: &CustomNetwork) -> Result<Builder> {
    let mut builder = Builder::new(presets::Minimal).clear_address_lookup();
    builder = if custom.port_mapping { builder } else { builder.portmapper_config(PortmapperConfig::Disabled) };
    builder = if custom.relays.is_empty() {
        builder.relay_mode(RelayMode::Disabled).net_report_config(NetReportConfig::minimal())
    } else {
        builder.relay_mode(RelayMode::Custom(custom.relays.iter().map(relay_config).collect::<RelayMap>()))
    };
    if let Some(server) = custom.dns_server {
        builder = builder.dns_resolver(DnsResolver::with_nameserver(server));
    }
    if let Some(pkarr) = &custom.pkarr {
        let url = pkarr.parse::<url::Url>().map_err(|e| {
            Error::new(Code::InvalidArgument, format!("network.pkarr {pkarr:?} is no URL")).with_source(e)
        })?;
        // Without a relay, only the addresses can be published.
        let filter = if custom.relays.is_empty() { AddrFilter::unfiltered() } else { AddrFilter::relay_only() };
        builder = builder
            .address_lookup(PkarrPublisher::builder(url.clone()).addr_filter(filter))
            .address_lookup(PkarrResolver::builder(url));
    }
    if let Some(origin) = &custom.dns_origin {
        builder = builder.address_lookup(DnsAddressLookup::builder(origin.clone()));
    }
    if custom.mdns {
        builder = builder.address_lookup(MdnsAddressLookup::builder());
    }
    if custom.bind.is_empty() { Ok(builder) } else { bind(builder, &custom.bind) }
}

fn relay_config(relay: &Relay) -> RelayConfig {
    // A relay on plain HTTP is a local one: it has no QUIC side to probe for our address.
    let config = if relay.url.scheme() == "http" {
        RelayConfig::new(relay.url.clone(), None)
    } else {
        RelayConfig::from(relay.url.clone())
    };
    match &relay.token {
        Some(token) => config.with_auth_token(token.clone()),
        None => config,
    }
}

/// Crypto only: no relay, no look-up. The port mapper is switched off explicitly, because iroh otherwise multicasts for a
/// gateway even on loopback. An empty relay map sends no probe.
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
