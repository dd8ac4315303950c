//! Blocks of addresses that are not the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The smallest block that contains an address, if it is not a public address.
pub(super) fn block_of(address: IpAddr) -> Option<IpNet> {
    let v4 = V4.iter().copied().map(IpNet::V4);
    let v6 = V6.iter().copied().map(IpNet::V6);
    v4.chain(v6).filter(|block| block.contains(&address)).max_by_key(IpNet::prefix_len)
}

/// Whether a range embeds IPv4 addresses in IPv6. The system would connect to the IPv4 address, and bypass the rules for it.
pub(super) fn hides_ipv4(range: IpNet) -> bool {
    let IpNet::V6(range) = range else { return false };
    let is_single = |address| range == Ipv6Net::new_assert(address, 128);
    let hides = [MAPPED, COMPATIBLE].iter().any(|block| block.contains(&range));
    hides && !is_single(Ipv6Addr::LOCALHOST) && !is_single(Ipv6Addr::UNSPECIFIED)
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

const MAPPED: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96);
const COMPATIBLE: Ipv6Net = v6(0, 0, 0, 96);

/// IANA's registry of special-purpose addresses, and multicast.
const V4: [Ipv4Net; 15] = [
    // This network.
    v4(0, 0, 0, 0, 8),
    // Private.
    v4(10, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    // Behind a provider's NAT.
    v4(100, 64, 0, 0, 10),
    // Loopback.
    v4(127, 0, 0, 0, 8),
    // Link-local, with the metadata services of clouds.
    v4(169, 254, 0, 0, 16),
    // Protocol assignments.
    v4(192, 0, 0, 0, 24),
    // Documentation.
    v4(192, 0, 2, 0, 24),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // Relays of 6to4.
    v4(192, 88, 99, 0, 24),
    // Benchmarks.
    v4(198, 18, 0, 0, 15),
    // Multicast.
    v4(224, 0, 0, 0, 4),
    // Future use, and broadcast.
    v4(240, 0, 0, 0, 4),
];

/// The same for IPv6. Only `2000::/3` has public addresses.
const V6: [Ipv6Net; 21] = [
    // Outside of 2000::/3.
    v6(0, 0, 0, 3),
    v6(0x4000, 0, 0, 2),
    v6(0x8000, 0, 0, 1),
    // Unspecified and loopback.
    Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128),
    Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128),
    COMPATIBLE,
    MAPPED,
    // IPv4-translated.
    Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
    // NAT64.
    v6(0x64, 0xff9b, 0, 96),
    v6(0x64, 0xff9b, 1, 48),
    // Discard.
    v6(0x100, 0, 0, 64),
    // Protocol assignments, Teredo among them.
    v6(0x2001, 0, 0, 23),
    // Documentation.
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x3fff, 0, 0, 20),
    // 6to4.
    v6(0x2002, 0, 0, 16),
    // Segment routing.
    v6(0x5f00, 0, 0, 16),
    // Unique local.
    v6(0xfc00, 0, 0, 7),
    // Link-local.
    v6(0xfe80, 0, 0, 10),
    // Site-local, deprecated.
    v6(0xfec0, 0, 0, 10),
    // Multicast.
    v6(0xff00, 0, 0, 8),
    // The deprecated 6bone.
    v6(0x3ffe, 0, 0, 16),
];
