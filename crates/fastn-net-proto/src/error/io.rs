//! Errors as `std::io::Error`.

use std::io::{self, ErrorKind};

use super::{Code, Error};

impl Code {
    /// The kind of the [`std::io::Error`] that an [`Error`] with this code becomes.
    ///
    /// | kind | codes |
    /// |---|---|
    /// | `ConnectionReset` | `ERR_STREAM_RESET` |
    /// | `BrokenPipe` | `ERR_STREAM_STOPPED`, `ERR_STREAM_FINISHED` |
    /// | `ConnectionAborted` | `ERR_CONNECTION_LOST` |
    /// | `NotConnected` | `ERR_CLOSED` |
    /// | `HostUnreachable` | `ERR_UNREACHABLE` |
    /// | `ConnectionRefused` | `ERR_REFUSED`, `ERR_PROTOCOL_UNSUPPORTED`, `ERR_SHUTTING_DOWN`, `ERR_TARGET` |
    /// | `PermissionDenied` | `ERR_UNAUTHORIZED` |
    /// | `ResourceBusy` | `ERR_BUSY` |
    /// | `QuotaExceeded` | `ERR_TOO_MANY_STREAMS` |
    /// | `TimedOut` | `ERR_ACK_TIMEOUT`, `ERR_HEADER_TIMEOUT`, `ERR_CALL_TIMEOUT` |
    /// | `UnexpectedEof` | `ERR_UNEXPECTED_END` |
    /// | `InvalidData` | `ERR_HEADER_INVALID`, `ERR_HEADER_TOO_LARGE`, `ERR_LINE_TOO_LONG`, `ERR_TOO_LARGE`, `ERR_JSON`, `ERR_UTF8`, `ERR_SCHEMA`, `ERR_PING` |
    /// | `InvalidInput` | `ERR_INVALID_ARGUMENT`, `ERR_SECRET_KEY`, `ERR_PEER_ADDRESS` |
    /// | `AddrInUse` | `ERR_PROTOCOL_IN_USE` |
    /// | `AddrNotAvailable` | `ERR_BIND`, `ERR_LISTEN` |
    /// | `Other` | `ERR_READ_PENDING`, `ERR_KEY_STORE`, `ERR_FILE`, `ERR_REMOTE`, `ERR_NATIVE`, `ERR_INTERNAL` |
    #[must_use]
    pub const fn io_kind(self) -> ErrorKind {
        match self {
            Self::StreamReset => ErrorKind::ConnectionReset,
            Self::StreamStopped | Self::StreamFinished => ErrorKind::BrokenPipe,
            Self::ConnectionLost => ErrorKind::ConnectionAborted,
            Self::Closed => ErrorKind::NotConnected,
            Self::Unreachable => ErrorKind::HostUnreachable,
            Self::Refused | Self::ProtocolUnsupported | Self::ShuttingDown | Self::Target => {
                ErrorKind::ConnectionRefused
            }
            Self::Unauthorized => ErrorKind::PermissionDenied,
            Self::Busy => ErrorKind::ResourceBusy,
            Self::TooManyStreams => ErrorKind::QuotaExceeded,
            Self::AckTimeout | Self::HeaderTimeout | Self::CallTimeout => ErrorKind::TimedOut,
            Self::UnexpectedEnd => ErrorKind::UnexpectedEof,
            Self::HeaderInvalid
            | Self::HeaderTooLarge
            | Self::LineTooLong
            | Self::TooLarge
            | Self::Json
            | Self::Utf8
            | Self::Schema
            | Self::Ping => ErrorKind::InvalidData,
            Self::InvalidArgument | Self::SecretKey | Self::PeerAddress => ErrorKind::InvalidInput,
            Self::ProtocolInUse => ErrorKind::AddrInUse,
            Self::Bind | Self::Listen => ErrorKind::AddrNotAvailable,
            Self::ReadPending | Self::KeyStore | Self::File | Self::Remote | Self::Native | Self::Internal => {
                ErrorKind::Other
            }
        }
    }
}

/// Keeps the whole error: `io::Error::get_ref` and `downcast` give it back, with the peer's code in [`Error::error_code`].
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.code().io_kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_docs_names_the_kind_of_each_code() {
        let source = include_str!("io.rs");
        let rows: Vec<Vec<&str>> = source
            .lines()
            .filter_map(|line| line.trim().strip_prefix("/// | `"))
            .map(|row| row.split('`').filter(|cell| cell.chars().all(|c| c.is_alphanumeric() || c == '_')).collect())
            .collect();
        for code in Code::ALL {
            let row =
                rows.iter().find(|row| row.contains(&code.as_str())).unwrap_or_else(|| panic!("no row names {code}"));
            assert_eq!(row[0], format!("{:?}", code.io_kind()), "{code}");
        }
    }

    #[test]
    fn an_io_error_keeps_the_error() {
        let error = io::Error::from(Error::new(Code::StreamReset, "gone").with_error_code(7));
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let error = error.downcast::<Error>().expect("the error");
        assert_eq!((error.code(), error.error_code()), (Code::StreamReset, Some(7)));
    }
}
