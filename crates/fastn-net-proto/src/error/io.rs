//! Errors as `std::io::Error`.

use std::io;

use super::Error;

/// Keeps the whole error: `io::Error::get_ref` and `downcast` give it back, with the peer's code in [`Error::error_code`].
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.code().io_kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::error::Code;

    #[test]
    fn an_io_error_keeps_the_error() {
        let error = io::Error::from(Error::new(Code::StreamReset, "gone").with_error_code(7));
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let error = error.downcast::<Error>().expect("the error");
        assert_eq!((error.code(), error.error_code()), (Code::StreamReset, Some(7)));
    }
}
