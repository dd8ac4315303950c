//! Errors as plain data, for `takeError()`.

use std::error::Error as StdError;

use fastn_net::{Code, Error, printable};
use napi::bindgen_prelude::{BigInt, Either};
use napi_derive::napi;

use super::code_to_js;

/// A [`fastn_net::Error`] as it crosses.
#[napi(object, use_nullable = true)]
pub struct BindingError {
    /// `ERR_…`.
    pub code: String,
    /// Human-readable text.
    pub message: String,
    /// Application code of a reset, a stop or a close.
    pub error_code: Option<Either<f64, BigInt>>,
    /// The peer's word in its refusal line.
    pub remote_code: Option<String>,
    /// Whether no handler of the peer has seen, or will see, the stream that failed.
    pub unprocessed: bool,
    /// Messages of the causes, innermost last.
    pub cause: Option<String>,
}

impl From<&Error> for BindingError {
    fn from(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(printable(&cause.to_string()).into_owned());
            source = cause.source();
        }
        causes.dedup();
        Self {
            code: error.code().as_str().to_owned(),
            message: error.message().to_owned(),
            error_code: error.error_code().map(code_to_js),
            remote_code: error.remote_code().map(str::to_owned),
            unprocessed: error.is_unprocessed(),
            cause: (!causes.is_empty()).then(|| causes.join(": ")),
        }
    }
}

/// A defect of this library, as an error instead of a panic.
pub(crate) fn internal(what: &str) -> Error {
    Error::new(Code::Internal, format!("{what}: this is a defect in fastn-net, please report it"))
}
