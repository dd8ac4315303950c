//! Properties that hold for any bytes from a peer or a local client. A violated property panics.

use std::{
    fmt::Debug,
    net::{IpAddr, SocketAddr},
};

use fastn_net_proto::{
    error::Result,
    identity::{PublicKey, SecretKey},
    printable,
    targets::{Destination, Host, Rule, Targets},
    wire::{
        header,
        http_proxy::{self, ProxyRequest},
        line::{Feed, LineBuffer},
        refusal::Refusal,
        socks::{self, Decoded, Malformed},
    },
};

/// Name, function and seed inputs of a property.
pub(crate) type Property = (&'static str, fn(&[u8]), &'static [&'static [u8]]);

/// All properties.
pub(crate) const ALL: &[Property] = &[
    (
        "header",
        header,
        &[
            br#""Ping""#,
            br#"{"Generic":{"fastn":"tcp","service":"a"}}"#,
            br#"{"Tcp":null}"#,
            br#"{"Generic":[1.0,-0.0,"\u0000"]}"#,
        ],
    ),
    ("lines", lines, &[b"\x05\x02ab\ncdefghi\n", b"\xff\x01\n\n\n"]),
    ("refusal", refusal, &[br#"{"error":"busy","message":"later"}"#, br#"{"error":"\u001b[2J","message":7}"#]),
    (
        "socks",
        socks,
        &[
            &[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80],
            &[5, 2, 0, 2, 5, 1, 0, 3, 3, b'a', b'.', b'b', 1, 187],
            &[5, 0, 5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80],
        ],
    ),
    (
        "targets",
        targets,
        &[
            b"*\nexample.com:443\n\x5d\xb8\xd7\x0e",
            b"*.example.com:1-9 10.0.0.0/8 a@[fd00::/8]:443\nwww.example.com:5\n\x0a\x00\x00\x01",
            b"0.0.0.0/0 ::/0\n[::ffff:7f00:1]:80\n\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01",
            b"127.0.0.1\n0x7f.1:80\n\x7f\x00\x00\x01",
        ],
    ),
    ("proxy", proxy, &[br#"{"Connect":{"addr":"example.com:443"}}"#, br#"{"Http":{"addr":"[::1]:80"}}"#]),
    (
        "keys",
        keys,
        &[
            b"i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60",
            b"100d7e23f222267ba0be43855a262461b8a7718572edf58c56db912156d2bc25",
        ],
    ),
];

/// A decoded header has one encoding, which decodes to the same protocol. Its text has no control characters.
fn header(line: &[u8]) {
    let Ok(protocol) = header::decode(line) else { return };
    let written = header::encode(&protocol, None).expect("no extra line");
    let (end, text) = written.split_last().expect("a line");
    assert_eq!(*end, b'\n');
    assert!(!text.contains(&b'\n'));
    let again = header::decode(text).expect("its own form");
    assert_eq!(again.key(), protocol.key());
    assert_eq!(header::encode(&again, None).expect("no extra line"), written);
    assert!(!protocol.to_string().contains(char::is_control));
}

/// A decoded line of a proxy's client has one encoding, which decodes to the same destination.
fn proxy(line: &[u8]) {
    let Ok(request) = http_proxy::decode(line) else { return };
    let (ProxyRequest::Connect(destination) | ProxyRequest::Http(destination)) = request;
    let written = http_proxy::connect(&destination);
    assert!(written.len() <= http_proxy::MAX_LINE && !written.contains(&b'\n'));
    assert_eq!(http_proxy::decode(&written).expect("its own form"), ProxyRequest::Connect(destination));
}

/// Lines do not depend on how their bytes are split. The first two bytes of the input are the limit and the size of the pieces.
fn lines(input: &[u8]) {
    let [limit, size, bytes @ ..] = input else { return };
    let limit = usize::from(*limit);
    let mut buffer = LineBuffer::new(limit);
    let mut found = Vec::new();
    let mut is_too_long = false;
    'pieces: for mut piece in bytes.chunks(usize::from(*size).max(1)) {
        while !piece.is_empty() {
            match buffer.feed(piece) {
                Feed::More => break,
                Feed::Line { used } => {
                    found.push(buffer.take());
                    piece = &piece[used..];
                }
                Feed::TooLong => {
                    is_too_long = true;
                    break 'pieces;
                }
            }
            assert!(buffer.buffered() <= limit);
        }
    }
    let mut expected: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let rest = expected.pop().expect("a last part");
    let fit = expected.iter().take_while(|line| line.len() <= limit).count();
    assert_eq!(found, expected[..fit]);
    assert_eq!(is_too_long, fit < expected.len() || rest.len() > limit);
}

/// A refusal from a peer is bounded, and has no control characters.
fn refusal(line: &[u8]) {
    let refusal = Refusal::parse(line);
    for text in [&refusal.word, &refusal.message] {
        assert!(text.len() <= 1024 && !text.contains(char::is_control), "{text:?}");
    }
    let again = refusal.encode();
    assert!(again.len() <= 8 * 1024);
    let (_, text) = again.split_last().expect("a line");
    assert!(!text.contains(&b'\n'));
    assert_eq!(Refusal::parse(text).message, refusal.message);
}

/// A SOCKS decoder finds the same message however its bytes are split. It never asks for a byte beyond the message, nor for many bytes.
fn socks(bytes: &[u8]) {
    message(socks::greeting, bytes);
    message(socks::request, bytes);
    message(socks::method, bytes);
    message(socks::reply, bytes);
    // In sequence, as clients send them.
    if let Some(length) = message(socks::greeting, bytes) {
        message(socks::request, &bytes[length..]);
    }
}

/// Decodes a message. Returns its length if it is complete.
fn message<T: Debug + PartialEq>(
    decode: fn(&[u8]) -> std::result::Result<Decoded<T>, Malformed>,
    bytes: &[u8],
) -> Option<usize> {
    let mut length = 0;
    let found = loop {
        match decode(&bytes[..length]) {
            Err(_) => break None,
            Ok(Decoded::Done(message)) => break Some(message),
            Ok(Decoded::Need(count)) => {
                assert!(count > 0);
                length += count;
                assert!(length <= socks::MAX_MESSAGE.max(2 + 255));
                if length > bytes.len() {
                    return None;
                }
            }
        }
    };
    match decode(bytes) {
        Ok(Decoded::Done(message)) => assert_eq!(Some(message), found),
        Err(_) => assert_eq!(found, None),
        Ok(Decoded::Need(_)) => panic!("complete in parts only"),
    }
    found.map(|_| length)
}

/// The input has rules, separated by spaces; a destination; the bytes of an address. An allowed address is public, or in a rule's range.
fn targets(input: &[u8]) {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let [Some(rules), Some(asked), Some(address)] = [parts.next(), parts.next(), parts.next()] else { return };
    let (Ok(rules), Ok(asked)) = (std::str::from_utf8(rules), std::str::from_utf8(asked)) else { return };
    let rules: Vec<Rule> = rules.split(' ').filter_map(|rule| rule.parse().ok()).collect();
    for rule in &rules {
        assert_eq!(rule.to_string().parse::<Rule>().expect("its own form"), *rule);
    }
    let Ok(asked) = asked.parse::<Destination>() else { return };
    assert_eq!(asked.to_string().parse::<Destination>().expect("its own form"), asked);
    if let Host::Name(name) = &asked.host {
        assert!(name.len() <= 253 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':' && byte != b'%'));
        let last = name.rsplit('.').next().expect("a part");
        assert!(last.parse::<u64>().is_err(), "{name} is a number");
    }
    let ip: IpAddr = match address {
        [a, b, c, d] => [*a, *b, *c, *d].into(),
        address => match <[u8; 16]>::try_from(address) {
            Ok(octets) => octets.into(),
            Err(_) => return,
        },
    };
    let without_ranges: Targets = rules.iter().filter(|rule| !rule.to_string().contains('/')).cloned().collect();
    let all = Targets::from_iter(rules);
    let at = SocketAddr::new(ip, asked.port);
    if all.allows(&asked, at) {
        assert!(all.matches(&asked));
        assert!(!hides_ipv4(ip), "{ip}");
    }
    if without_ranges.allows(&asked, at) {
        assert!(is_routed(ip), "{ip}");
    }
}

fn hides_ipv4(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.to_ipv4().is_some() && !ip.is_loopback() && !ip.is_unspecified(),
    }
}

fn is_routed(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.octets()[0] == 0)
        }
        IpAddr::V6(ip) => ip.segments()[0] >> 13 == 1 && ip.segments()[0] != 0x2002,
    }
}

/// A parsed key has one text form, and errors have no control characters.
fn keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(key) = checked(PublicKey::parse(&text)) {
        assert_eq!(PublicKey::parse(&key.to_string()).expect("its own form"), key);
        assert_eq!(PublicKey::parse(&key.to_hex()).expect("its own form"), key);
    }
    if let Some(key) = checked(SecretKey::from_hex(&text)) {
        assert_eq!(SecretKey::from_hex(&key.to_hex()).expect("its own form").to_bytes(), key.to_bytes());
    }
    checked(PublicKey::from_bytes(bytes));
    checked(SecretKey::from_bytes(bytes));
    let shown = printable(&text);
    assert!(!shown.contains(char::is_control), "{shown:?}");
}

fn checked<T>(read: Result<T>) -> Option<T> {
    read.map_err(|error| assert!(!error.message().contains(char::is_control), "{error}")).ok()
}
