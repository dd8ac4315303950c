//! One error type, and the one table of its codes.
//!
//! - `io`: as `std::io::Error`

mod io;

use std::{borrow::Cow, error::Error as StdError, fmt, io::ErrorKind, sync::Arc};

use crate::printable::printable;

/// An error: a [`Code`] to branch on, a message that says what to do, and the cause.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "`errorCode` is its name in every language")]
pub struct Error {
    code: Code,
    message: String,
    /// Application error code of a reset, a stop or a close, if there is one.
    error_code: Option<u64>,
    /// The peer's own word, from its refusal line.
    remote_code: Option<String>,
    unprocessed: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Result of every fallible function here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a code and a message that says what to do. Control characters in it, which may be a peer's, are escaped.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        let message = match printable(&message) {
            Cow::Borrowed(_) => message,
            Cow::Owned(escaped) => escaped,
        };
        Self { code, message, error_code: None, remote_code: None, unprocessed: false, source: None }
    }

    /// `ERR_CLOSED`: the endpoint was closed.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(Code::Closed, "the endpoint was closed")
    }

    /// Adds a cause to the error.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Adds the application error code that the peer sent.
    #[must_use]
    pub fn with_error_code(mut self, error_code: u64) -> Self {
        self.error_code = Some(error_code);
        self
    }

    /// Adds the code of the peer's refusal line.
    #[must_use]
    pub fn with_remote_code(mut self, remote_code: impl Into<String>) -> Self {
        self.remote_code = Some(remote_code.into());
        self
    }

    /// Marks the stream that failed as unprocessed: see [`Error::is_unprocessed`].
    #[must_use]
    pub fn with_unprocessed(mut self) -> Self {
        self.unprocessed = true;
        self
    }

    /// The code to branch on.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// For a person: what happened and what to do.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Application error code of a reset, a stop or a close.
    #[must_use]
    pub fn error_code(&self) -> Option<u64> {
        self.error_code
    }

    /// The word in the peer's refusal line.
    #[must_use]
    pub fn remote_code(&self) -> Option<&str> {
        self.remote_code.as_deref()
    }

    /// Whether no handler of the peer has seen, or will see, any part of the stream that failed: its request may be sent again.
    #[must_use]
    pub fn is_unprocessed(&self) -> bool {
        self.unprocessed
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn StdError + 'static))
    }
}

/// A kind of failure, which several codes share. Code that treats kinds alike, such as the choice of an HTTP status, matches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeClass {
    /// An invalid call: repeating it fails again.
    Usage,
    /// No connection to the peer, or its loss.
    Unreachable,
    /// No answer from the peer in time.
    Timeout,
    /// The peer denies access to this key.
    Denied,
    /// At capacity, or shutting down: a later try may succeed.
    Unavailable,
    /// The peer does not serve this stream or request.
    Refused,
    /// The target of a tunnel cannot be reached.
    Target,
    /// Data that is too large or unexpected.
    Data,
    /// A stream, connection or endpoint that one side has ended.
    Ended,
    /// A failure of this machine: sockets, files, keys.
    Local,
    /// A defect in this library.
    Internal,
}

impl CodeClass {
    /// The class in lower case, as in JavaScript.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Target => "target",
            Self::Data => "data",
            Self::Ended => "ended",
            Self::Local => "local",
            Self::Internal => "internal",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $class:ident, $kind:ident;)*) => {
        /// The closed table of error codes. Their text is the same in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[doc = concat!("\n\n`", $text, "`; as a [`std::io::Error`]: `", stringify!($kind), "`.")] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code's text, `ERR_…`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The kind of failure.
            #[must_use]
            pub const fn class(self) -> CodeClass {
                match self { $(Code::$name => CodeClass::$class,)* }
            }

            /// The kind of the [`std::io::Error`] that an [`Error`] with this code becomes.
            #[must_use]
            pub const fn io_kind(self) -> ErrorKind {
                match self { $(Code::$name => ErrorKind::$kind,)* }
            }
        }
    };
}

// The code, its text, its class, and the kind of its `io::Error`.
codes! {
    /// No socket could be bound.
    Bind = "ERR_BIND", Local, AddrNotAvailable;
    /// The text or bytes are not a secret key.
    SecretKey = "ERR_SECRET_KEY", Usage, InvalidInput;
    /// The peer's id, ticket or address cannot be used.
    PeerAddress = "ERR_PEER_ADDRESS", Unreachable, InvalidInput;
    /// No connection to the peer within the time limit.
    Unreachable = "ERR_UNREACHABLE", Unreachable, HostUnreachable;
    /// The connection ended while it was in use.
    ConnectionLost = "ERR_CONNECTION_LOST", Unreachable, ConnectionAborted;
    /// The peer did not acknowledge the stream in time.
    AckTimeout = "ERR_ACK_TIMEOUT", Timeout, TimedOut;
    /// The peer refused the stream, with a word of its own.
    Refused = "ERR_REFUSED", Refused, ConnectionRefused;
    /// The peer does not admit us.
    Unauthorized = "ERR_UNAUTHORIZED", Denied, PermissionDenied;
    /// The peer does not serve that protocol.
    ProtocolUnsupported = "ERR_PROTOCOL_UNSUPPORTED", Refused, ConnectionRefused;
    /// The peer allows no further stream.
    TooManyStreams = "ERR_TOO_MANY_STREAMS", Unavailable, QuotaExceeded;
    /// A stream's first line does not name a protocol.
    HeaderInvalid = "ERR_HEADER_INVALID", Refused, InvalidData;
    /// A stream's first line is longer than allowed.
    HeaderTooLarge = "ERR_HEADER_TOO_LARGE", Refused, InvalidData;
    /// A stream's first line did not arrive in time.
    HeaderTimeout = "ERR_HEADER_TIMEOUT", Timeout, TimedOut;
    /// The other side reset its sending half.
    StreamReset = "ERR_STREAM_RESET", Ended, ConnectionReset;
    /// The peer accepts no more bytes.
    StreamStopped = "ERR_STREAM_STOPPED", Ended, BrokenPipe;
    /// This side's sending half has already ended.
    StreamFinished = "ERR_STREAM_FINISHED", Ended, BrokenPipe;
    /// A line is longer than allowed.
    LineTooLong = "ERR_LINE_TOO_LONG", Data, InvalidData;
    /// The peer sends more than the caller allows.
    TooLarge = "ERR_TOO_LARGE", Data, InvalidData;
    /// The stream ended before its content was complete.
    UnexpectedEnd = "ERR_UNEXPECTED_END", Data, UnexpectedEof;
    /// Not JSON.
    Json = "ERR_JSON", Data, InvalidData;
    /// Not UTF-8.
    Utf8 = "ERR_UTF8", Data, InvalidData;
    /// Invalid argument; fix the call.
    InvalidArgument = "ERR_INVALID_ARGUMENT", Usage, InvalidInput;
    /// The endpoint, connection or stream is closed.
    Closed = "ERR_CLOSED", Ended, NotConnected;
    /// Another read is pending.
    ReadPending = "ERR_READ_PENDING", Usage, Other;
    /// The protocol already has a listener.
    ProtocolInUse = "ERR_PROTOCOL_IN_USE", Usage, AddrInUse;
    /// The peer or this endpoint is shutting down.
    ShuttingDown = "ERR_SHUTTING_DOWN", Unavailable, ConnectionRefused;
    /// The peer is at capacity.
    Busy = "ERR_BUSY", Unavailable, ResourceBusy;
    /// The ping got a wrong answer, or none in time.
    Ping = "ERR_PING", Timeout, InvalidData;
    /// Keys could not be read from or written to their storage.
    KeyStore = "ERR_KEY_STORE", Local, Other;
    /// A file to send or receive could not be read or written.
    File = "ERR_FILE", Local, Other;
    /// The peer's handler failed.
    Remote = "ERR_REMOTE", Refused, Other;
    /// A message does not fit its schema.
    Schema = "ERR_SCHEMA", Data, InvalidData;
    /// The peer did not answer a request in time.
    CallTimeout = "ERR_CALL_TIMEOUT", Timeout, TimedOut;
    /// The native addon is missing.
    Native = "ERR_NATIVE", Local, Other;
    /// A local listener could not be opened.
    Listen = "ERR_LISTEN", Local, AddrNotAvailable;
    /// The target of a tunnel cannot be reached.
    Target = "ERR_TARGET", Target, ConnectionRefused;
    /// A defect in this library.
    Internal = "ERR_INTERNAL", Internal, Other;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
