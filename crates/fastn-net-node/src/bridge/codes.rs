//! QUIC's codes, of 62 bits: a number where that is exact, else a bigint.

use napi::bindgen_prelude::{BigInt, Either};

/// `Number.MAX_SAFE_INTEGER`.
const SAFE: u64 = (1 << 53) - 1;

/// A code for JavaScript.
#[expect(clippy::cast_precision_loss, reason = "at most 2^53 - 1")]
pub(crate) fn code_to_js(code: u64) -> Either<f64, BigInt> {
    if code <= SAFE { Either::A(code as f64) } else { Either::B(code.into()) }
}

/// A code that TypeScript has checked.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 0 to 2^53 - 1")]
pub(crate) fn code_from_js(code: &Either<f64, BigInt>) -> u64 {
    match code {
        Either::A(number) => *number as u64,
        Either::B(bigint) => bigint.get_u64().1,
    }
}
