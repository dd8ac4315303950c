//! Application error codes of `/fastn-net/1`. On older ALPNs our own closes, resets and stops carry 0.

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)*) => {
        /// Codes that close a connection.
        pub mod close {
            $($(#[$doc])* pub const $name: u64 = $code;)*

            /// Codes that promise that no unacknowledged stream has been or will be handed to a handler.
            pub const PROMISES: [u64; 3] = [IDLE, SUPERSEDED, LIMIT];

            /// Names of the codes in metrics.
            pub const REASONS: &[&str] = &[$($reason,)*];

            /// The name of a code in metrics; `None` for an application's.
            #[must_use]
            pub const fn reason(code: u64) -> Option<&'static str> {
                match code {
                    $($name => Some($reason),)*
                    _ => None,
                }
            }
        }
    };
}

close_codes! {
    /// Normal close.
    PLAIN = 0, "plain";
    /// Idle timeout. No unacknowledged stream has been or will be handed to a handler.
    IDLE = 0x101, "idle";
    /// Replaced by another connection of the same pair. Makes the same promise as [`IDLE`].
    SUPERSEDED = 0x102, "superseded";
    /// The endpoint closes.
    SHUTDOWN = 0x103, "shutdown";
    /// The peer is not admitted.
    UNAUTHORIZED = 0x104, "unauthorized";
    /// Too many connections. Sent before any stream is accepted, so it makes the same promise as [`IDLE`].
    LIMIT = 0x105, "limit";
}

/// Describes the code of a reset or a stop for people: this project's codes in words, an application's as a number.
#[must_use]
pub fn describe_reset(code: u64) -> String {
    let words = match code {
        reset::ABANDONED => "the peer abandoned it",
        reset::CANCELLED => "the peer cancelled it",
        reset::HANDLER_FAILED => "the peer's handler failed",
        reset::UNREAD => "the peer took nothing of it, while its unread bytes held up other streams",
        reset::COLLECTED => "the peer's program lost it to the garbage collector",
        reset::REVOKED => "the peer no longer lets us use this protocol",
        _ => return format!("code {code}"),
    };
    if code == 0 { format!("{words} (code 0)") } else { format!("{words} ({code:#x})") }
}

/// Codes that reset the sending half of a stream, or stop the other side's.
pub mod reset {
    /// Abandoned: this side needs no more of the stream.
    pub const ABANDONED: u64 = 0;
    /// Cancelled by a signal.
    pub const CANCELLED: u64 = 0x101;
    /// The handler failed.
    pub const HANDLER_FAILED: u64 = 0x102;
    /// The program dropped the stream, and the garbage collector collected it.
    pub const COLLECTED: u64 = 0x103;
    /// A tunnel's reader was stalled, while its unread bytes held up other streams.
    pub const UNREAD: u64 = 0x104;
    /// A changed policy no longer allows the stream.
    pub const REVOKED: u64 = 0x105;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_are_described_in_words_and_application_codes_as_numbers() {
        assert_eq!(describe_reset(reset::ABANDONED), "the peer abandoned it (code 0)");
        assert_eq!(describe_reset(reset::CANCELLED), "the peer cancelled it (0x101)");
        assert_eq!(describe_reset(reset::HANDLER_FAILED), "the peer's handler failed (0x102)");
        assert_eq!(describe_reset(reset::COLLECTED), "the peer's program lost it to the garbage collector (0x103)");
        assert_eq!(describe_reset(reset::REVOKED), "the peer no longer lets us use this protocol (0x105)");
        assert_eq!((describe_reset(7), describe_reset(300)), ("code 7".to_owned(), "code 300".to_owned()));
    }
}
