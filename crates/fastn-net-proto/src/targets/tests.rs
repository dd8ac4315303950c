use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::{collection, prelude::*, sample::select};

use super::*;

fn targets(rules: &[&str]) -> Targets {
    Targets::parse(rules.iter().copied()).expect("rules")
}

/// Whether the rules allow a destination at an address.
fn allowed(rules: &[&str], destination: &str, address: &str) -> bool {
    let asked: Destination = destination.parse().expect(destination);
    targets(rules).allows(&asked, SocketAddr::new(address.parse().expect(address), asked.port))
}

/// Whether the rules allow an address that a client names.
fn allows_ip(rules: &[&str], address: &str) -> bool {
    let ip: IpAddr = address.parse().expect(address);
    let asked = Destination { host: Host::Ip(ip), port: 80 };
    targets(rules).allows(&asked, SocketAddr::new(ip, 80))
}

const PUBLIC: [&str; 4] = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450::1"];

const NOT_PUBLIC: [&str; 34] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
];

#[test]
fn nothing_is_allowed_without_a_rule() {
    assert!(Targets::default().is_empty());
    for address in PUBLIC.into_iter().chain(NOT_PUBLIC) {
        assert!(!allows_ip(&[], address), "{address}");
    }
}

#[test]
fn wide_rules_allow_only_public_addresses() {
    for rules in [&["*"][..], &["0.0.0.0/0", "::/0"], &["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", "2000::/3"]] {
        for address in PUBLIC {
            assert!(allows_ip(rules, address), "{rules:?} {address}");
        }
        for address in NOT_PUBLIC {
            assert!(!allows_ip(rules, address), "{rules:?} {address}");
            assert!(!allowed(&["*", "evil.example"], "evil.example:80", address), "{address}");
        }
    }
}

#[test]
fn a_range_within_a_block_opens_that_range() {
    let cases = [
        ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("127.0.0.0/8", "127.9.9.9", "126.9.9.9"),
        ("10.1.0.0/16", "10.1.2.3", "10.2.2.3"),
        ("169.254.169.254/32", "169.254.169.254", "169.254.169.253"),
        ("::1", "::1", "::"),
        ("fd00::/8", "fd00::1", "fc00::1"),
        ("fe80::/10", "fe80::1", "fec0::1"),
        ("64:ff9b::/96", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        ("2002::/16", "2002:7f00:1::1", "2001::1"),
    ];
    for (rule, inside, outside) in cases {
        assert!(allows_ip(&[rule], inside), "{rule} {inside}");
        assert!(!allows_ip(&[rule], outside), "{rule} {outside}");
        // Also for the name that has the address.
        assert!(allowed(&[rule], "name.example:80", inside), "{rule} {inside}");
    }
}

#[test]
fn names_are_compared_label_by_label() {
    let at = "8.8.8.8";
    for (rule, host, expected) in [
        ("example.com", "example.com", true),
        ("example.com", "EXAMPLE.COM.", true),
        ("Example.com.", "example.com", true),
        ("example.com", "www.example.com", false),
        ("example.com", "badexample.com", false),
        ("*.example.com", "www.example.com", true),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "badexample.com", false),
        ("*.example.com", "example.com.evil.test", false),
        ("example.com", "8.8.8.8", false),
        ("*", "anything.test", true),
    ] {
        assert_eq!(allowed(&[rule], &format!("{host}:80"), at), expected, "{rule} {host}");
    }
}

#[test]
fn a_name_may_have_a_range_of_its_own() {
    let rules = ["db.internal@10.0.0.0/8:5432", "*.lab@[fd00::/8]"];
    assert!(allowed(&rules, "db.internal:5432", "10.1.2.3"));
    assert!(!allowed(&rules, "db.internal:5432", "192.168.1.1"));
    assert!(!allowed(&rules, "db.internal:5433", "10.1.2.3"));
    assert!(!allowed(&rules, "other.internal:5432", "10.1.2.3"));
    assert!(!allowed(&rules, "10.1.2.3:5432", "10.1.2.3"));
    assert!(allowed(&rules, "a.lab:1", "fd00::1"));
    assert!(!allowed(&rules, "a.lab:1", "8.8.8.8"));
}

#[test]
fn ports_bound_a_rule() {
    for (rule, port, expected) in [
        ("*:443", 443, true),
        ("*:443", 444, false),
        ("8.8.8.8:400-500", 443, true),
        ("8.8.8.0/24:400-442", 443, false),
        ("*:444-65535", 443, false),
    ] {
        assert_eq!(allowed(&[rule], &format!("8.8.8.8:{port}"), "8.8.8.8"), expected, "{rule}");
    }
}

#[test]
fn an_address_is_allowed_only_as_its_own_destination() {
    let (asked, all) = ("8.8.8.8:80".parse::<Destination>().expect("destination"), targets(&["*"]));
    assert!(!all.allows(&asked, "8.8.4.4:80".parse().expect("address")));
    assert!(!all.allows(&asked, "8.8.8.8:81".parse().expect("address")));
}

#[test]
fn only_names_that_a_rule_may_allow_are_looked_up() {
    let matches = |rules, text: &str| targets(rules).matches(&text.parse().expect(text));
    assert!(!matches(&["example.com:443"], "other.example:443"));
    assert!(!matches(&["example.com:443"], "example.com:80"));
    assert!(matches(&["example.com:443"], "example.com:443"));
    assert!(matches(&["10.0.0.0/8:80"], "any.example:80"));
}

#[test]
fn rules_are_parsed_and_shown() {
    for text in [
        "*",
        "*:443",
        "*.example.com:1-2",
        "10.0.0.0/8",
        "[fd00::/8]:443",
        "fd00::/8",
        "db.internal@10.0.0.0/8:5432",
        "a.b@[fd00::/8]:1",
    ] {
        assert_eq!(text.parse::<Rule>().expect(text).to_string(), text);
    }
    assert_eq!("10.0.0.1".parse::<Rule>().expect("address").to_string(), "10.0.0.1/32");
    assert_eq!("*@10.0.0.0/8".parse::<Rule>().expect("range").to_string(), "10.0.0.0/8");
}

#[test]
fn other_texts_are_rejected_as_rules() {
    for text in [
        "",
        ":",
        ":80",
        "443",
        "127.1",
        "0x7f000001",
        "*.",
        "**",
        "*.*.com",
        "a.*.com",
        "*com",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "a:0",
        "a:2-1",
        "a:1-",
        "a:1-2-3",
        "a:65536",
        "a@",
        "@10.0.0.0/8",
        "a@b",
        "a@10.0.0.0/8@c",
        "[10.0.0.0/8]:1",
        "[fd00::/8",
        "[fd00::/8]1",
        "fd00::/8:443:",
        "::ffff:0:0/96",
        "::ffff:127.0.0.1",
        "::/96",
        "::127.0.0.1",
        "https://example.com",
        "example.com/path",
        "bücher.example",
        "a\nb",
    ] {
        let error = text.parse::<Rule>().expect_err(text);
        assert_eq!(error.code(), crate::error::Code::InvalidArgument, "{text:?}");
    }
}

/// The standard library's classification of an address, from which the rules are independent.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let is_special = ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19));
            !is_special
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            (0x2000..0x4000).contains(&a)
                && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
                && a != 0x2002
                && a != 0x3ffe
                && !(a == 0x3fff && b < 0x1000)
        }
    }
}

/// Bits of an address, as text.
fn bits(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("4{:032b}", ip.to_bits()),
        IpAddr::V6(ip) => format!("6{:0128b}", ip.to_bits()),
    }
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    let seeds =
        PUBLIC.into_iter().chain(NOT_PUBLIC).map(|text| text.parse().expect("address")).collect::<Vec<IpAddr>>();
    prop_oneof![
        any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).into()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits).into()),
        (select(seeds), any::<u16>()).prop_map(|(ip, low)| match ip {
            IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() ^ u32::from(low)).into(),
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() ^ (u128::from(low) << 96)).into(),
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn names_reach_only_public_addresses(ip in any_ip()) {
        let address = ip.to_string();
        prop_assert_eq!(allowed(&["*", "a.test", "*.test"], "a.test:80", &address), is_public(ip));
        prop_assert_eq!(allows_ip(&["*"], &address), is_public(ip));
    }

    #[test]
    fn a_range_allows_its_addresses_and_no_reserved_ones_that_it_does_not_name(
        ip in any_ip(),
        other in any_ip(),
        length in 0_u8..=128,
        is_near in any::<bool>(),
    ) {
        let base = if is_near { ip } else { other };
        let length = length.min(if base.is_ipv4() { 32 } else { 128 });
        let range = ipnet::IpNet::new(base, length).expect("length").trunc();
        let Ok(rule) = range.to_string().parse::<Rule>() else {
            prop_assert!(reserved::hides_ipv4(range));
            return Ok(());
        };
        let (asked, text) = (Destination { host: Host::Ip(ip), port: 9 }, bits(base));
        let is_inside = bits(ip).starts_with(&text[..=usize::from(length)]);
        let is_allowed = Targets::from_iter([rule]).allows(&asked, SocketAddr::new(ip, 9));
        if is_public(ip) {
            prop_assert_eq!(is_allowed, is_inside);
        } else if is_allowed {
            prop_assert!(is_inside);
            // The rule names a part of a reserved block: no public address is in it.
            prop_assert!(!is_public(range.network()) && !is_public(range.broadcast()), "{range}");
        } else if is_inside && length >= 24 && ip.is_ipv4() {
            prop_assert!(false, "{range} is in one block, which it opens");
        }
    }

    #[test]
    fn parsed_rules_round_trip(parts in collection::vec(select(
        vec!["*", ".", "a", "example.com", "10.0.0.0/8", "fd00::/8", "::1", "[", "]", ":", "@", "-", "80", "443", "0", "0x7f", "/", " "]
    ), 0..8)) {
        let text = parts.concat();
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_string().parse::<Rule>().expect("written"), rule);
        }
        if let Ok(asked) = text.parse::<Destination>() {
            prop_assert_eq!(asked.to_string().parse::<Destination>().expect("written"), asked);
        }
    }
}
