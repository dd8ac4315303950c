//! Exports of the byte path, without napi-rs's conversions.
//!
//! For each call, a generated export allocates a scope that guards the native objects among its arguments. Those of a stream have none,
//! and a request makes eight such calls.

use std::{
    ffi::CStr,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

use napi::{
    Env, Error, JsError, Status,
    bindgen_prelude::{JsObjectValue, Object, TypedArrayType, panic_to_error},
    check_status, sys,
};

/// Most arguments of an export.
const MOST: usize = 5;

/// An export that answers a number.
pub(crate) trait DirectCall {
    const NAME: &CStr;

    /// An error, of an argument of the wrong type, is thrown.
    fn call(arguments: &mut Arguments) -> napi::Result<f64>;
}

/// Adds an export to the addon.
pub(crate) fn export<C: DirectCall>(exports: &mut Object<'_>) -> napi::Result<()> {
    exports.create_c_named_method(C::NAME, callback::<C>)
}

/// # Safety
///
/// Called by Node-API only.
unsafe extern "C" fn callback<C: DirectCall>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // A panic must not unwind into JavaScript's engine.
    let answered = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: Node-API passed both to this callback.
        C::call(&mut unsafe { Arguments::of(env, info) }?)
    }));
    let mut answer = ptr::null_mut();
    match answered.map_err(panic_to_error).flatten() {
        // SAFETY: the environment of the call that runs. Should it fail, the call returns `undefined`.
        Ok(number) => {
            let _ = unsafe { sys::napi_create_double(env, number, &raw mut answer) };
        }
        // SAFETY: as above.
        Err(error) => unsafe { JsError::from(error).throw_into(env) },
    }
    answer
}

/// The arguments of a running call.
pub(crate) struct Arguments {
    env: sys::napi_env,
    values: [sys::napi_value; MOST],
}

impl Arguments {
    /// # Safety
    ///
    /// Both must be what Node-API passed to the callback that runs.
    unsafe fn of(env: sys::napi_env, info: sys::napi_callback_info) -> napi::Result<Self> {
        let (mut values, mut count) = ([ptr::null_mut(); MOST], MOST);
        // SAFETY: `values` has room for `count` values; those that the caller left out become `undefined`.
        check_status!(unsafe {
            sys::napi_get_cb_info(env, info, &raw mut count, values.as_mut_ptr(), ptr::null_mut(), ptr::null_mut())
        })?;
        Ok(Self { env, values })
    }

    pub(crate) fn env(&self) -> Env {
        Env::from_raw(self.env)
    }

    pub(crate) fn number(&self, at: usize) -> napi::Result<f64> {
        let mut number = 0.0;
        // SAFETY: environment and value belong to the call that runs.
        check_status!(unsafe { sys::napi_get_value_double(self.env, self.values[at], &raw mut number) })?;
        Ok(number)
    }

    pub(crate) fn whole(&self, at: usize) -> napi::Result<u32> {
        let mut number = 0;
        // SAFETY: as above.
        check_status!(unsafe { sys::napi_get_value_uint32(self.env, self.values[at], &raw mut number) })?;
        Ok(number)
    }

    pub(crate) fn flag(&self, at: usize) -> napi::Result<bool> {
        let mut flag = false;
        // SAFETY: as above.
        check_status!(unsafe { sys::napi_get_value_bool(self.env, self.values[at], &raw mut flag) })?;
        Ok(flag)
    }

    /// Bytes to be read before the call returns.
    pub(crate) fn bytes(&self, at: usize) -> napi::Result<&[u8]> {
        let (data, length) = self.array(at, TypedArrayType::Uint8)?;
        // SAFETY: `array` has checked the type. The array lives as long as the call, which runs no JavaScript. The TypeScript layer
        // rejects shared buffers, so no other thread writes to it meanwhile.
        Ok(if length == 0 { &[] } else { unsafe { slice::from_raw_parts(data.cast(), length) } })
    }

    /// Bytes to be filled before the call returns.
    pub(crate) fn bytes_mut(&mut self, at: usize) -> napi::Result<&mut [u8]> {
        let (data, length) = self.array(at, TypedArrayType::Uint8)?;
        // SAFETY: as above; `&mut self` keeps out a second slice of the same array.
        Ok(if length == 0 { &mut [] } else { unsafe { slice::from_raw_parts_mut(data.cast(), length) } })
    }

    /// Numbers to be filled before the call returns.
    pub(crate) fn numbers_mut(&mut self, at: usize) -> napi::Result<&mut [f64]> {
        let (data, length) = self.array(at, TypedArrayType::Float64)?;
        // SAFETY: as above; the array is the bridge's own and never shared.
        Ok(if length == 0 { &mut [] } else { unsafe { slice::from_raw_parts_mut(data.cast(), length) } })
    }

    fn array(&self, at: usize, expected: TypedArrayType) -> napi::Result<(*mut std::ffi::c_void, usize)> {
        let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
        // SAFETY: environment and value belong to the call that runs.
        check_status!(unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.values[at],
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        if kind != expected as i32 {
            return Err(Error::new(Status::InvalidArg, "a typed array of another type".to_owned()));
        }
        Ok((data, length))
    }
}
