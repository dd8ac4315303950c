//! JavaScript's memory as slices, and its numbers as ids.

use napi::bindgen_prelude::{Float64ArraySlice, Uint32ArraySlice};

/// The wakes of an array that JavaScript passed, to be filled before the call returns.
pub(crate) fn words_mut<'a>(array: &'a mut Uint32ArraySlice<'_>) -> &'a mut [u32] {
    // SAFETY: the slice lives as long as the borrow of the argument: the synchronous call on the JavaScript thread. Nothing in
    // the call runs JavaScript or keeps the slice. The array is the bridge's own and never shared, so no other thread writes to it.
    unsafe { array.as_mut() }
}

/// The numbers of an array that JavaScript passed, to be filled before the call returns.
pub(crate) fn numbers_mut<'a>(array: &'a mut Float64ArraySlice<'_>) -> &'a mut [f64] {
    // SAFETY: as above.
    unsafe { array.as_mut() }
}

/// Connection numbers and stream ids count up from small numbers: an f64 holds them whole.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(crate) fn id_to_number(id: u64) -> f64 {
    id as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made by `id_to_number`")]
pub(crate) fn number_to_id(number: f64) -> u64 {
    number as u64
}
