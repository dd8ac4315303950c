use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::PublicKey;
use crate::error::{Code, Error, Result};

/// Proves ownership of a [`PublicKey`]: 32 bytes of Ed25519 secret. Wiped from memory when dropped;
/// `Debug` and `Display` show the public key only.
#[derive(Clone)]
pub struct SecretKey(iroh_base::SecretKey);

impl SecretKey {
    /// A new key from the system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(iroh_base::SecretKey::generate())
    }

    /// Creates a key from its 32 bytes.
    ///
    /// # Errors
    ///
    /// `ERR_SECRET_KEY` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes =
            bytes.try_into().map_err(|_| not_a_secret(&format!("{} bytes were given, 32 are needed", bytes.len())))?;
        Ok(Self(iroh_base::SecretKey::from_bytes(bytes)))
    }

    /// Parses 64 hex digits in any case. Surrounding white space is not trimmed.
    ///
    /// # Errors
    ///
    /// `ERR_SECRET_KEY`. Its message describes the fault and never repeats the text.
    pub fn from_hex(text: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        match text.len() {
            64 => HEXLOWER_PERMISSIVE
                .decode_mut(text.as_bytes(), &mut bytes)
                .map_err(|_| not_a_secret("the text has characters that are not hex digits"))?,
            52 => return Err(not_a_secret("the text is as long as an ID52, which is the public key")),
            _ => return Err(not_a_secret(&format!("the text has {} characters", text.chars().count()))),
        };
        Self::from_bytes(&bytes)
    }

    /// The secret's 32 bytes: keep them out of logs and files that others can read.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The secret as 64 lower-case hex digits: keep them out of logs and files that others can read.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.to_bytes())
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.0.public().into()
    }

    /// The Ed25519 signature of `message`. Deterministic.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The same key as iroh's type.
    #[must_use]
    pub fn as_iroh(&self) -> &iroh_base::SecretKey {
        &self.0
    }

    /// The same key as iroh's type.
    #[must_use]
    pub fn into_iroh(self) -> iroh_base::SecretKey {
        self.0
    }
}

/// `SecretKey(<ID52 of the public key>)`.
impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<iroh_base::SecretKey> for SecretKey {
    fn from(key: iroh_base::SecretKey) -> Self {
        Self(key)
    }
}

impl From<SecretKey> for iroh_base::SecretKey {
    fn from(key: SecretKey) -> Self {
        key.0
    }
}

fn not_a_secret(found: &str) -> Error {
    Error::new(Code::SecretKey, format!("not a secret key: {found}; give 32 bytes or 64 hex digits"))
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const HEX: &str = "100d7e23f222267ba0be43855a262461b8a7718572edf58c56db912156d2bc25";

    #[test]
    fn golden_secrets_give_their_id52_and_signature() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/golden/identity.json")).expect("golden file");
        for key in golden["keys"].as_array().expect("keys") {
            let text = |field: &str| key[field].as_str().expect(field).to_owned();
            let secret = SecretKey::from_hex(&text("secret")).expect("secret");
            assert_eq!(secret.public().to_string(), text("id52"));
            assert_eq!(secret.to_hex(), text("secret"));
            let signature = secret.sign(text("message").as_bytes());
            assert_eq!(HEXLOWER.encode(&signature), text("signature"));
            assert!(secret.public().verify(text("message").as_bytes(), &signature));
        }
    }

    #[test]
    fn hex_is_parsed_in_any_case_and_shown_in_lower_case() {
        assert_eq!(SecretKey::from_hex(&HEX.to_uppercase()).expect("hex").to_hex(), HEX);
    }

    #[test]
    fn an_invalid_secret_is_rejected_without_being_repeated() {
        let almost = HEX.replace('7', "x");
        let id52 = SecretKey::generate().public().to_string();
        for text in ["", "abcdef", &HEX[..63], &format!("{HEX}0"), &format!("{HEX}\n"), &almost, &id52] {
            let error = SecretKey::from_hex(text).expect_err("parsed");
            assert_eq!(error.code(), Code::SecretKey);
            assert!(text.len() < 6 || !format!("{error} {error:?}").contains(&text[..6]));
        }
        assert!(SecretKey::from_hex(&id52).expect_err("id52").message().contains("public key"));
        for length in [0, 31, 33, 64] {
            assert_eq!(SecretKey::from_bytes(&vec![1; length]).expect_err("length").code(), Code::SecretKey);
        }
    }

    #[test]
    fn the_secret_is_in_no_debug_or_display() {
        let key = SecretKey::from_hex(HEX).expect("hex");
        let id52 = "i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60";
        assert_eq!(key.to_string(), format!("SecretKey({id52})"));
        assert_eq!(format!("{key:?} {key:#?}"), format!("SecretKey({id52}) SecretKey({id52})"));
    }

    #[test]
    fn generated_keys_differ() {
        assert_ne!(SecretKey::generate().to_bytes(), SecretKey::generate().to_bytes());
    }

    #[test]
    fn conversion_to_and_from_iroh_keeps_the_secret() {
        let key = SecretKey::from_hex(HEX).expect("hex");
        assert_eq!(SecretKey::from(key.clone().into_iroh()).to_hex(), HEX);
        assert_eq!(key.as_iroh().public(), key.public().into_iroh());
    }

    proptest! {
        #[test]
        fn only_the_signed_message_and_signature_verify(secret: [u8; 32], message: Vec<u8>, bit in 0usize..512) {
            let key = SecretKey::from_bytes(&secret).expect("secret");
            let mut signature = key.sign(&message);
            prop_assert!(key.public().verify(&message, &signature));
            prop_assert!(!key.public().verify(&[&message[..], b"!"].concat(), &signature));
            prop_assert!(!key.public().verify(&message, &signature[..63]));
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!key.public().verify(&message, &signature));
        }

        #[test]
        fn hex_round_trips_and_no_text_panics(secret: [u8; 32], text in "\\PC{0,80}") {
            let key = SecretKey::from_bytes(&secret).expect("secret");
            prop_assert_eq!(SecretKey::from_hex(&key.to_hex()).expect("hex").to_bytes(), secret);
            let _ = SecretKey::from_hex(&text);
        }
    }
}
