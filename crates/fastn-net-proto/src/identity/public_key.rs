use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::id52;
use crate::error::{Code, Error, Result};

/// A peer's name: 32 bytes of Ed25519 public key, shown as its ID52. Ordered by its raw bytes.
#[derive(Clone, Copy, Eq)]
pub struct PublicKey(iroh_base::PublicKey);

impl PublicKey {
    /// Parses an ID52 or 64 hex digits, both in any case, or z-base-32. The length and the last character select the format.
    /// Surrounding white space is not trimmed.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS`; its message describes the input. It never repeats the input, which may be a secret key pasted by
    /// mistake.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = decode(text).map_err(|found| not_a_key(&found))?;
        Self::from_bytes(&bytes)
    }

    /// Creates a key from its 32 bytes.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS` for another length, or when the bytes are not a point of the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes =
            bytes.try_into().map_err(|_| not_a_key(&format!("{} bytes were given, 32 are needed", bytes.len())))?;
        iroh_base::PublicKey::from_bytes(bytes).map(Self).map_err(|error| {
            not_a_key(
                "the form is right, but there is no such Ed25519 key (not a point of the curve), it may be mistyped",
            )
            .with_source(error)
        })
    }

    /// The key's 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key as 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(self.as_bytes())
    }

    /// Whether `signature` is this key's signature of `message`. False if it is not 64 bytes long.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        <&[u8; 64]>::try_from(signature)
            .is_ok_and(|signature| self.0.verify(message, &iroh_base::Signature::from_bytes(signature)).is_ok())
    }

    /// The same key as iroh's type.
    #[must_use]
    pub fn as_iroh(&self) -> &iroh_base::PublicKey {
        &self.0
    }

    /// The same key as iroh's type.
    #[must_use]
    pub fn into_iroh(self) -> iroh_base::PublicKey {
        self.0
    }
}

/// The ID52.
// By raw bytes: a public key needs no comparison in constant time, and it is a key of tables on the path of every stream.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&id52::encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl From<iroh_base::PublicKey> for PublicKey {
    fn from(key: iroh_base::PublicKey) -> Self {
        Self(key)
    }
}

impl From<PublicKey> for iroh_base::PublicKey {
    fn from(key: PublicKey) -> Self {
        key.0
    }
}

/// Decodes the bytes of a text, or describes the invalid input.
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let last = text.bytes().last().map(|byte| byte.to_ascii_lowercase());
    match (text.len(), last) {
        (64, _) => HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|error| format!("character {} of 64 is not a hex digit", error.position + 1)),
        (id52::LENGTH, Some(b'0' | b'g')) => id52::decode(text)
            .map_err(|error| format!("character {} of 52 is not one of 0 to 9, a to v", error.position + 1)),
        (id52::LENGTH, Some(b'y' | b'o')) => iroh_base::PublicKey::from_z32(text)
            .map(|key| key.as_bytes().to_vec())
            .map_err(|_| "it ends as z-base-32 does, but is not the z-base-32 of a key, it may be mistyped".into()),
        (id52::LENGTH, Some(b'a' | b'q')) => Err("it ends as iroh's own base32 form does; \
             take its hex form"
            .into()),
        (id52::LENGTH, _) => {
            Err("an ID52 ends in 0 or g, z-base-32 in y or o, so it may be mistyped (or its spare bits are set)".into())
        }
        (0, _) => Err("the text is empty".into()),
        _ if text.trim() != text => Err("there is white space around it".into()),
        _ if text.starts_with("endpoint") => Err("it looks like a ticket, which is not a key but holds one".into()),
        _ => Err(format!("the text has {} characters", text.chars().count())),
    }
}

fn not_a_key(found: &str) -> Error {
    Error::new(
        Code::PeerAddress,
        format!("not a public key: {found}; give an ID52 (52 characters), 64 hex digits or z-base-32"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::identity::SecretKey;

    const ID52: &str = "i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60";

    fn message(text: &str) -> String {
        let error = PublicKey::parse(text).expect_err("parsed");
        assert_eq!(error.code(), Code::PeerAddress);
        error.message().to_owned()
    }

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/identity.json")).expect("golden file")
    }

    #[test]
    fn every_text_form_of_the_golden_keys_is_the_same_key() {
        for key in golden()["keys"].as_array().expect("keys") {
            let text = |field: &str| key[field].as_str().expect(field).to_owned();
            let id52 = text("id52");
            let parsed = PublicKey::parse(&id52).expect("id52");
            assert_eq!(parsed.to_string(), id52);
            assert_eq!(parsed.to_hex(), text("hex"));
            for form in [text("hex"), text("hex").to_uppercase(), text("z32"), id52.to_uppercase()] {
                assert_eq!(PublicKey::parse(&form).expect(&form), parsed);
            }
        }
    }

    #[test]
    fn golden_texts_without_a_key_are_rejected_with_the_reason() {
        for case in golden()["invalid"].as_array().expect("invalid") {
            let (text, says) = (case["text"].as_str().expect("text"), case["says"].as_str().expect("says"));
            let message = message(text);
            assert!(message.contains(says), "{text:?} gave {message:?}, which does not say {says:?}");
        }
    }

    #[test]
    fn an_error_does_not_repeat_the_text() {
        let secret = "e357e8a31fa82958cf0a7697846cb9ed494807d5d8bf95bac9ed21207d8ce6ax";
        assert!(!message(secret).contains("e357e8"));
    }

    #[test]
    fn other_lengths_of_bytes_are_rejected() {
        for length in [0, 31, 33, 64] {
            assert_eq!(PublicKey::from_bytes(&vec![0; length]).expect_err("length").code(), Code::PeerAddress);
        }
    }

    #[test]
    fn order_is_that_of_the_raw_bytes() {
        let mut keys: Vec<PublicKey> = (0..20).map(|_| SecretKey::generate().public()).collect();
        keys.sort();
        assert!(keys.is_sorted_by_key(|key| *key.as_bytes()));
    }

    #[test]
    fn debug_and_display_are_the_id52() {
        let key = PublicKey::parse(ID52).expect("key");
        assert_eq!(format!("{key:?}"), format!("PublicKey({ID52})"));
        assert_eq!(key.to_string(), ID52);
    }

    #[test]
    fn iroh_shows_the_same_key() {
        let key = PublicKey::parse(ID52).expect("key");
        assert_eq!(PublicKey::from(key.into_iroh()), key);
        assert_eq!(key.as_iroh().to_string(), key.to_hex());
    }

    proptest! {
        #[test]
        fn id52_round_trips_in_any_case(secret: [u8; 32], upper: [bool; 52]) {
            let key = SecretKey::from_bytes(&secret).expect("secret").public();
            let text: String = key
                .to_string()
                .chars()
                .zip(upper)
                .map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c })
                .collect();
            prop_assert_eq!(PublicKey::parse(&text).expect("id52"), key);
        }

        #[test]
        fn hex_and_z_base_32_round_trip(secret: [u8; 32]) {
            let key = SecretKey::from_bytes(&secret).expect("secret").public();
            prop_assert_eq!(PublicKey::parse(&key.to_hex()).expect("hex"), key);
            prop_assert_eq!(PublicKey::parse(&key.as_iroh().to_z32()).expect("z32"), key);
        }

        #[test]
        fn spare_bits_must_be_zero(secret: [u8; 32], spare in 1usize..16) {
            let id52 = SecretKey::from_bytes(&secret).expect("secret").public().to_string();
            let digits = "0123456789abcdefghijklmnopqrstuv";
            let last = digits.find(&id52[51..]).expect("digit") + spare;
            let changed = format!("{}{}", &id52[..51], &digits[last..=last]);
            // One in a thousand texts that end in o is by chance a valid z-base-32 key, and is parsed as one.
            prop_assert!(PublicKey::parse(&changed).map_or(true, |other| other.as_iroh().to_z32() == changed));
        }

        #[test]
        fn any_text_is_a_key_or_an_error(text in "\\PC{0,80}", digits in "[0-9a-zA-Z]{52}|[0-9a-fA-F]{64}") {
            for text in [text, digits] {
                if let Ok(key) = PublicKey::parse(&text) {
                    let forms = [key.to_string(), key.to_hex(), key.as_iroh().to_z32()];
                    prop_assert!(forms.iter().any(|form| form.eq_ignore_ascii_case(&text)));
                }
            }
        }
    }
}
