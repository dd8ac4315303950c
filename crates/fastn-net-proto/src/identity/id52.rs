//! The text form of a public key: its 32 bytes in base32hex, lower case, without padding.

use data_encoding::{BASE32HEX_NOPAD, DecodeError};

/// Characters in an ID52.
pub(super) const LENGTH: usize = 52;

/// The ID52 of 32 bytes, in lower case.
pub(super) fn encode(bytes: &[u8; 32]) -> String {
    let mut text = BASE32HEX_NOPAD.encode(bytes);
    text.make_ascii_lowercase();
    text
}

/// The bytes of an ID52 in any case. Spare bits that are not zero are an error, so that each key has one ID52.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    BASE32HEX_NOPAD.decode(text.to_ascii_uppercase().as_bytes())
}
