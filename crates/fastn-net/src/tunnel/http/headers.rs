//! Headers of a message that a proxy forwards.

use hyper::{
    HeaderMap,
    header::{self, Entry, HeaderName, HeaderValue},
};

/// The ID52 of the peer that sent a request. Set by the exposing side, which removes a client's field with this name.
pub(in crate::tunnel) const PEER: HeaderName = HeaderName::from_static("fastn-peer");

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Fields that belong to one connection. `Trailer` is forwarded, with the names of forwarded fields.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Removes the fields that belong to one connection. Returns the protocol of an upgrade that the message asks for or agrees to.
///
/// An upgrade to HTTP/2 is dropped: the bytes that follow it would pass unchecked.
pub(in crate::tunnel) fn remove_hop_by_hop(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let mut upgrade = None;
    if headers.contains_key(header::CONNECTION) {
        let named = connection_fields(headers);
        if named.contains(&header::UPGRADE) {
            upgrade = headers.get(header::UPGRADE).filter(|value| !is_http2(value.as_bytes())).cloned();
        }
        for name in &named {
            if ![header::HOST, header::CONTENT_LENGTH, header::TE].contains(name) {
                remove(headers, name);
            }
        }
    }
    let hop_by_hop: Vec<_> = headers.keys().filter(|name| HOP_BY_HOP.contains(name)).cloned().collect();
    let takes_trailers = hop_by_hop.contains(&header::TE)
        && headers.get_all(header::TE).iter().any(|value| has_token(value, "trailers"));
    for name in &hop_by_hop {
        remove(headers, name);
    }
    if takes_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    clean_announced(headers);
    upgrade
}

/// Merges equal Content-Length fields into one. Returns whether its value is valid: hyper accepts any value if the answer has no body.
pub(super) fn unify_length(headers: &mut HeaderMap) -> bool {
    let Entry::Occupied(mut entry) = headers.entry(header::CONTENT_LENGTH) else { return true };
    let mut all: Vec<Vec<u8>> = Vec::new();
    for value in entry.iter() {
        all.extend(value.as_bytes().split(|&byte| byte == b',').map(|part| part.trim_ascii().to_vec()));
    }
    let is_length = |part: &Vec<u8>| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let is_one = is_length(&all[0]) && all.iter().all(|part| *part == all[0]);
    if is_one
        && all.len() > 1
        && let Ok(length) = HeaderValue::from_bytes(&all[0])
    {
        entry.insert(length);
    }
    is_one
}

/// The fields that `Connection` names.
fn connection_fields(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter();
    values.flat_map(tokens).filter_map(|name| name.parse().ok()).collect()
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or_default().split(',').map(str::trim)
}

fn has_token(value: &HeaderValue, wanted: &str) -> bool {
    tokens(value).any(|token| token.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(wanted)))
}

/// Whether `Upgrade` names HTTP/2.
fn is_http2(value: &[u8]) -> bool {
    let tokens = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    tokens.into_iter().any(|token| token.eq_ignore_ascii_case(b"h2c") || token.eq_ignore_ascii_case(b"h2"))
}

/// `HeaderMap::remove` without hashing a name that cannot be there.
fn remove(headers: &mut HeaderMap, name: &HeaderName) {
    if let Entry::Occupied(entry) = headers.entry(name) {
        entry.remove_entry_mult().1.for_each(drop);
    }
}

/// Adds the fields that ask for an upgrade, or agree to it.
pub(in crate::tunnel) fn insert_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Fields about the sender of a request and its route, besides those that begin with one of [`CLAIM_PREFIXES`].
const CLAIMS: [&str; 4] = ["forwarded", "x-real-ip", "x-client-ip", "true-client-ip"];
const CLAIM_PREFIXES: [&str; 2] = ["fastn-", "x-forwarded-"];

/// Fields that are forbidden as trailers, besides claims and [`HOP_BY_HOP`]: they frame, route, authenticate or modify a message, or
/// describe its content (RFC 9110, 6.5.1).
const HEAD_ONLY: [&str; 16] = [
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "set-cookie",
    "trailer",
    "www-authenticate",
];

/// Removes fields that only the exposing side may set.
fn remove_claims(headers: &mut HeaderMap) {
    remove_all(headers, is_claim);
}

/// Removes forbidden trailers: their receiver may merge them into the headers.
pub(in crate::tunnel) fn clean_trailers(trailers: &mut HeaderMap) {
    remove_all(trailers, |name| !may_trail(name));
}

/// Keeps only the names of forwarded trailers in `Trailer`.
fn clean_announced(headers: &mut HeaderMap) {
    let Entry::Occupied(mut entry) = headers.entry(header::TRAILER) else { return };
    let passes = |name: &&str| name.parse().is_ok_and(|name| may_trail(&name));
    if entry.iter().all(|value| tokens(value).all(|name| passes(&name))) {
        return;
    }
    let left: Vec<_> = entry.iter().flat_map(tokens).filter(passes).collect();
    match HeaderValue::try_from(left.join(", ")) {
        Ok(value) if !left.is_empty() => entry.insert_mult(value).for_each(drop),
        _ => entry.remove_entry_mult().1.for_each(drop),
    }
}

fn may_trail(name: &HeaderName) -> bool {
    let is_of_head = HEAD_ONLY.iter().any(|known| spelled(known, name.as_str().as_bytes()));
    !is_of_head && !HOP_BY_HOP.contains(name) && !is_claim(name)
}

fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| spelled(prefix, start));
    CLAIMS.iter().any(|known| spelled(known, name)) || CLAIM_PREFIXES.iter().any(begins)
}

/// Whether CGI and its successors read a name as the known one: they treat `_` and other characters like `-`.
fn spelled(known: &str, name: &[u8]) -> bool {
    name.len() == known.len()
        && name.iter().zip(known.bytes()).all(|(&a, b)| a == b || (b == b'-' && !a.is_ascii_alphanumeric()))
}

fn remove_all(headers: &mut HeaderMap, is_removed: impl Fn(&HeaderName) -> bool) {
    let names: Vec<_> = headers.keys().filter(|name| is_removed(name)).cloned().collect();
    for name in &names {
        remove(headers, name);
    }
}

/// Sets the fields about the sender of a request and its route. `peer`: an ID52. Replaces the client's claims.
pub(in crate::tunnel) fn set_origin(headers: &mut HeaderMap, peer: &HeaderValue) {
    remove_claims(headers);
    headers.insert(PEER, peer.clone());
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.insert(FORWARDED_HOST, host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let pairs = fields.iter().map(|(name, value)| {
            (name.parse::<HeaderName>().expect("name"), HeaderValue::from_str(value).expect("value"))
        });
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn fields_of_one_connection_are_removed() {
        let mut headers = map(&[
            ("host", "a"),
            ("connection", "close, X-Secret, TE"),
            ("connection", "host, keep-alive"),
            ("x-secret", "1"),
            ("x-secret", "2"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers;q=0.5, gzip"),
            ("trailer", "digest"),
            ("transfer-encoding", "chunked"),
            ("accept", "a"),
            ("accept", "b"),
        ]);
        assert_eq!(remove_hop_by_hop(&mut headers), None);
        let mut left = names(&headers);
        left.sort_unstable();
        assert_eq!(left, ["accept", "host", "te", "trailer"]);
        assert_eq!(headers["te"], "trailers");
        assert_eq!(headers.get_all("accept").iter().count(), 2);
    }

    #[test]
    fn an_upgrade_must_be_named_by_connection_and_is_never_to_http2() {
        let of = |connection: &str, upgrade: &str| {
            let mut headers = map(&[("connection", connection), ("upgrade", upgrade), ("http2-settings", "AAA")]);
            let found = remove_hop_by_hop(&mut headers);
            assert!(headers.is_empty(), "{headers:?}");
            found
        };
        assert_eq!(of("keep-alive, Upgrade", "websocket").expect("upgrade"), "websocket");
        assert_eq!(of("keep-alive", "websocket"), None);
        assert_eq!(of("Upgrade, HTTP2-Settings", "h2c"), None);
    }

    #[test]
    fn only_the_exposing_side_sets_the_fields_about_the_peer() {
        let mut headers = map(&[
            ("host", "shop.localhost"),
            ("fastn-peer", "mallory"),
            ("fastn_peer", "mallory"),
            ("Fastn-Peer", "mallory"),
            ("forwarded", "for=mallory"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x_forwarded_for", "1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("fastn.peer", "mallory"),
            ("fastn-access", "self"),
            ("Fastn_Groups", "admins"),
            ("fastnet", "kept"),
            ("x.forwarded~for", "1.2.3.4"),
            ("true-client-ip", "1.2.3.4"),
            ("x-forwardedness", "kept"),
        ]);
        set_origin(&mut headers, &HeaderValue::from_static("alice"));
        let mut left = names(&headers);
        left.sort_unstable();
        assert_eq!(left, ["fastn-peer", "fastnet", "host", "x-forwarded-host", "x-forwarded-proto", "x-forwardedness"]);
        assert_eq!(headers["fastn-peer"], "alice");
        assert_eq!(headers["x-forwarded-host"], "shop.localhost");
    }

    #[test]
    fn trailers_neither_identify_the_peer_nor_frame_the_message() {
        let dropped = [
            "fastn-peer",
            "fastn_peer",
            "Fastn-Access",
            "x-forwarded-for",
            "forwarded",
            "connection",
            "te",
            "transfer-encoding",
            "content_length",
            "host",
            "authorization",
            "cookie",
        ];
        for name in dropped {
            let mut trailers = map(&[(name, "x"), ("digest", "1")]);
            clean_trailers(&mut trailers);
            assert_eq!(names(&trailers), ["digest"]);
            let mut head = map(&[("trailer", &format!("{name}, Digest")), ("trailer", "sum")]);
            remove_hop_by_hop(&mut head);
            assert_eq!(head.get_all("trailer").iter().collect::<Vec<_>>(), ["Digest, sum"], "{name}");
            let mut head = map(&[("trailer", name)]);
            remove_hop_by_hop(&mut head);
            assert!(head.is_empty(), "{head:?}");
        }
    }
}
