//! The protocol of a stream, named by the dialler's first line.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::{Code, Error, Result},
    printable::printable,
};

/// The protocol of a stream. Its JSON is serde's externally tagged form: `"Ping"`, `{"Generic":"Echo"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Protocol {
    /// Checks that the peer is reachable. The library itself answers.
    Ping,
    /// The peer's clock, as one line of RFC 3339 in UTC.
    WhatTimeIsIt,
    /// One HTTP request and its response.
    Http,
    /// HTTP through the peer as a proxy, CONNECT included.
    HttpProxy,
    /// SOCKS 5 (RFC 1928). The acceptor is the server.
    Socks5,
    /// The bytes of one TCP connection.
    Tcp,
    /// From a device to its account.
    DeviceToAccount,
    /// From an account to an account.
    AccountToAccount,
    /// From an account to its device.
    AccountToDevice,
    /// Control of a rig.
    RigControl,
    /// A protocol of the application: any JSON value. Two are the same protocol when they are equal as JSON
    /// values: the order of keys does not matter, `1` and `1.0` differ.
    Generic(Value),
}

impl Protocol {
    /// Parses the JSON of a protocol. White space around it is allowed.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for input that is not UTF-8, not JSON, or not the JSON of a protocol.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            // serde repeats an unknown name, which may be as long as the line.
            let mut reason = error.to_string();
            reason.truncate(reason.floor_char_boundary(300));
            Error::new(
                Code::InvalidArgument,
                format!("not a protocol: {reason}; give a name, as in \"Http\", or {{\"Generic\":<JSON>}}"),
            )
        })
    }

    /// The compact JSON of the protocol, with sorted keys in every object: its form on the wire.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = json!(self);
        // Sorted already, unless some other crate in the program turns on serde_json's `preserve_order`.
        json.sort_all_objects();
        json.to_string()
    }

    /// A service of this library's peers: `{"Generic":{"fastn":<kind>,"service":<name>}}`, without `service` if it has no name.
    #[must_use]
    pub fn service(kind: &str, name: Option<&str>) -> Self {
        Self::Generic(match name {
            Some(name) => json!({ "fastn": kind, "service": name }),
            None => json!({ "fastn": kind }),
        })
    }

    /// The kind and name of the service that the protocol addresses, such as `("http", "web")`. The name is empty for a service without
    /// one. `Http`, `Tcp` and `Socks5` address services without a name. `None` for any other protocol.
    #[must_use]
    pub fn as_service(&self) -> Option<(&str, &str)> {
        match self {
            Self::Http => Some(("http", "")),
            Self::Tcp => Some(("tcp", "")),
            Self::Socks5 => Some(("socks5", "")),
            Self::Generic(Value::Object(fields)) => {
                let kind = fields.get("fastn")?.as_str()?;
                Some((kind, fields.get("service").and_then(Value::as_str).unwrap_or_default()))
            }
            _ => None,
        }
    }

    /// The kind of service, for a protocol without a service name: `Http`, `Tcp`, `Socks5` and `{"Generic":{"fastn":<kind>}}`. In a rule,
    /// it stands for all services of the kind.
    #[must_use]
    pub fn service_kind(&self) -> Option<&str> {
        let is_kind = match self {
            Self::Generic(Value::Object(fields)) => fields.len() == 1,
            _ => true,
        };
        self.as_service().filter(|_| is_kind).map(|(kind, _)| kind)
    }

    /// The protocol of the service of this kind with this name: `Tcp` and `"db"` make `{"Generic":{"fastn":"tcp","service":"db"}}`.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for a protocol that does not address a service.
    pub fn with_service(&self, name: &str) -> Result<Self> {
        let Some((kind, _)) = self.as_service() else {
            let text = format!("{self} has no services: 'Tcp', 'Http', 'Socks5' and {{\"fastn\":<kind>}} have");
            return Err(Error::new(Code::InvalidArgument, text));
        };
        Ok(match self {
            Self::Generic(fields) => {
                let mut fields = fields.clone();
                fields["service"] = json!(name);
                Self::Generic(fields)
            }
            _ => Self::service(kind, Some(name)),
        })
    }

    /// Key for routing: equal exactly when the protocols are.
    #[must_use]
    pub fn key(&self) -> ProtocolKey {
        let mut protocol = self.clone();
        if let Self::Generic(value) = &mut protocol {
            drop_sign_of_zero(value);
        }
        ProtocolKey(protocol.to_json())
    }

    /// The string by which programs name this Generic protocol. `None` for a structured value, for a string that names another protocol,
    /// and for the empty string.
    fn short_name(&self) -> Option<&str> {
        let Self::Generic(Value::String(name)) = self else { return None };
        let is_reserved = name.is_empty() || name == "Generic" || Self::deserialize(json!(name)).is_ok();
        (!is_reserved).then_some(name)
    }

    /// Whether programs of the malai and kulfi generation (`/kulfi/identity/0.1`) know it.
    #[must_use]
    pub fn is_kulfi(&self) -> bool {
        matches!(self, Self::Ping | Self::WhatTimeIsIt | Self::Http | Self::HttpProxy | Self::Socks5 | Self::Tcp)
    }
}

/// The protocol as programs write it, for messages: `'Echo'` for the name of a unit or Generic protocol, else JSON, such as
/// `{"Generic":{"name":"Echo"}}` or `{"Generic":"Tcp"}`. One line, without control characters.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match json!(self) {
            Value::String(name) => Some(name),
            _ => self.short_name().map(str::to_owned),
        };
        match name {
            Some(name) => write!(f, "'{}'", printable(&name)),
            None => f.write_str(&printable(&self.to_json())),
        }
    }
}

/// Canonical form of a [`Protocol`], the same for all equal protocols; see [`Protocol::key`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolKey(String);

impl ProtocolKey {
    /// Its length in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// `-0.0` equals `0.0`, so both must have one key.
fn drop_sign_of_zero(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() && number.as_f64() == Some(0.0) => *value = json!(0.0),
        Value::Array(items) => items.iter_mut().for_each(drop_sign_of_zero),
        Value::Object(fields) => fields.values_mut().for_each(drop_sign_of_zero),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};
    use serde_json::Map;

    use super::*;

    fn parse(json: &str) -> Protocol {
        Protocol::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    fn golden() -> Value {
        serde_json::from_str(include_str!("../tests/golden/protocol.json")).expect("golden file")
    }

    fn texts<'a>(golden: &'a Value, field: &str) -> Vec<&'a str> {
        golden[field].as_array().expect(field).iter().map(|text| text.as_str().expect(field)).collect()
    }

    #[test]
    fn golden_protocols_round_trip() {
        let golden = golden();
        for case in golden["canonical"].as_array().expect("canonical") {
            let written = case["written"].as_str().expect("written");
            for read in texts(case, "read").into_iter().chain([written]) {
                assert_eq!(parse(read).to_json(), written, "from {read:?}");
            }
        }
    }

    #[test]
    fn golden_equal_protocols_have_one_key_and_different_ones_differ() {
        let golden = golden();
        let groups: Vec<Vec<Protocol>> = golden["classes"]
            .as_array()
            .expect("classes")
            .iter()
            .map(|class| class.as_array().expect("class").iter().map(|t| parse(t.as_str().expect("text"))).collect())
            .collect();
        for (i, a) in groups.iter().enumerate() {
            for (j, b) in groups.iter().enumerate() {
                for (x, y) in a.iter().flat_map(|x| b.iter().map(move |y| (x, y))) {
                    assert_eq!(x.key() == y.key(), i == j, "{x} and {y}");
                    assert_eq!(x == y, i == j, "{x} and {y}");
                }
            }
        }
    }

    #[test]
    fn golden_texts_without_a_protocol_are_rejected() {
        for text in texts(&golden(), "invalid") {
            let error = Protocol::from_json(text.as_bytes()).expect_err(text);
            assert_eq!(error.code(), Code::InvalidArgument);
        }
    }

    #[test]
    fn keys_are_sorted_however_the_value_was_built() {
        let mut fields = Map::new();
        fields.insert("z".into(), json!({ "b": 1, "a": [{ "d": 1, "c": 2 }] }));
        fields.insert("a".into(), Value::Null);
        let protocol = Protocol::Generic(Value::Object(fields));
        assert_eq!(protocol.to_json(), r#"{"Generic":{"a":null,"z":{"a":[{"c":2,"d":1}],"b":1}}}"#);
    }

    #[test]
    fn services_are_identified_by_kind_and_name() {
        let cases = [
            (r#""Http""#, Some(("http", "")), Some("http")),
            (r#""Tcp""#, Some(("tcp", "")), Some("tcp")),
            (r#"{"Generic":{"fastn":"tcp","service":"db"}}"#, Some(("tcp", "db")), None),
            (r#"{"Generic":{"fastn":"udp"}}"#, Some(("udp", "")), Some("udp")),
            (r#"{"Generic":{"fastn":"rpc","method":"add","service":"sums"}}"#, Some(("rpc", "sums")), None),
            (r#"{"Generic":{"fastn":7,"service":"db"}}"#, None, None),
            (r#"{"Generic":"tcp"}"#, None, None),
            (r#""Ping""#, None, None),
        ];
        for (json, service, kind) in cases {
            let protocol = parse(json);
            assert_eq!((protocol.as_service(), protocol.service_kind()), (service, kind), "{json}");
        }
    }

    #[test]
    fn a_kind_of_service_takes_a_name() {
        let cases = [
            (r#""Http""#, Some(r#"{"Generic":{"fastn":"http","service":"web"}}"#)),
            (r#"{"Generic":{"fastn":"udp"}}"#, Some(r#"{"Generic":{"fastn":"udp","service":"web"}}"#)),
            (
                r#"{"Generic":{"fastn":"rpc","method":"add"}}"#,
                Some(r#"{"Generic":{"fastn":"rpc","method":"add","service":"web"}}"#),
            ),
            (r#"{"Generic":"Echo"}"#, None),
            (r#"{"Generic":{"fastn":7}}"#, None),
            (r#""Ping""#, None),
        ];
        for (kind, service) in cases {
            let named = parse(kind).with_service("web").map(|protocol| protocol.to_json()).ok();
            assert_eq!(named.as_deref(), service, "{kind}");
        }
    }

    #[test]
    fn invalid_utf8_is_rejected_and_a_long_name_is_not_repeated_in_full() {
        assert!(Protocol::from_json(b"{\"Generic\":\"\xff\"}").is_err());
        let error = Protocol::from_json(format!("\"{}\"", "ä".repeat(30_000)).as_bytes()).expect_err("name");
        assert!(error.message().len() < 500);
    }

    #[test]
    fn messages_name_a_protocol_as_programs_write_it() {
        for (json, shown) in [
            (r#""Tcp""#, "'Tcp'"),
            (r#"{"Generic":"Echo"}"#, "'Echo'"),
            (r#"{"Generic":""}"#, r#"{"Generic":""}"#),
            (r#"{"Generic":"Tcp"}"#, r#"{"Generic":"Tcp"}"#),
            (r#"{"Generic":"Generic"}"#, r#"{"Generic":"Generic"}"#),
            (r#"{"Generic":{"v":2,"n":"Echo"}}"#, r#"{"Generic":{"n":"Echo","v":2}}"#),
            (r#"{"Generic":"a\nb"}"#, r"'a\nb'"),
        ] {
            assert_eq!(parse(json).to_string(), shown);
        }
        assert!(!parse("{\"Generic\":[\"\u{2028}\"]}").to_string().contains('\u{2028}'));
    }

    #[test]
    fn kulfi_knows_the_first_six() {
        let golden = golden();
        for name in texts(&golden, "units") {
            let kulfi = texts(&golden, "kulfi").contains(&name);
            assert_eq!(parse(&format!("\"{name}\"")).is_kulfi(), kulfi, "{name}");
        }
        assert!(!Protocol::Generic(json!("Ping")).is_kulfi());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-3i64..3).prop_map(Value::from),
            prop_oneof![Just(0.0), Just(-0.0), Just(1.0)].prop_map(|n: f64| Value::from(n)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 48, 6, |inner| {
            prop_oneof![
                collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                collection::vec(("[a-c]{0,2}|\\PC{0,4}", inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_round_trips(value in any_json()) {
            let protocol = Protocol::Generic(value);
            let json = protocol.to_json();
            prop_assert!(!json.contains('\n'));
            let read = parse(&json);
            prop_assert_eq!(&read, &protocol);
            prop_assert_eq!(read.key(), protocol.key());
            prop_assert_eq!(read.to_json(), json);
        }

        #[test]
        fn keys_are_equal_exactly_when_values_are(a in any_json(), b in any_json()) {
            let equal = a == b;
            let (a, b) = (Protocol::Generic(a), Protocol::Generic(b));
            prop_assert_eq!(a.key() == b.key(), equal);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Protocol::from_json(&bytes);
        }
    }
}
