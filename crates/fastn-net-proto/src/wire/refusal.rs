//! The line that an acceptor sends in place of the ack.

use serde_json::Value;

use crate::{
    error::{Code, Error},
    identity::PublicKey,
};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $code:ident, $advice:literal;)*) => {
        /// This library's words in [`Refusal::word`]. Peers may send others.
        pub mod word {
            $($(#[$doc])* pub const $name: &str = $text;)*

            /// All words.
            pub const ALL: &[&str] = &[$($name,)*];
        }

        /// The error of a word, and its message about the peer.
        fn meaning(word: &str) -> (Code, &'static str) {
            match word {
                $(word::$name => (Code::$code, $advice),)*
                _ => (Code::Refused, "refused the stream"),
            }
        }
    };
}

// The word, the dialler's error, and its message about the peer.
words! {
    /// No listener serves the protocol.
    UNSUPPORTED = "unsupported", ProtocolUnsupported, "does not serve this protocol";
    /// The peer may not use the protocol.
    UNAUTHORIZED = "unauthorized", Unauthorized, "does not let us in: ask for access there";
    /// The peer has reached its limit of open streams.
    TOO_MANY_STREAMS = "too-many-streams", TooManyStreams, "takes no further stream of ours: finish some first";
    /// At capacity.
    BUSY = "busy", Busy, "has no room now: try again later";
    /// The endpoint closes.
    SHUTDOWN = "shutdown", ShuttingDown, "is shutting down: try again when it is back";
    /// The first line is not a header.
    HEADER_INVALID = "header-invalid", HeaderInvalid, "did not understand the protocol's line";
    /// The first line is too long.
    HEADER_TOO_LARGE = "header-too-large", HeaderTooLarge, "takes no protocol's line that long: make it shorter";
    /// The first line did not arrive in time.
    HEADER_TIMEOUT = "header-timeout", HeaderTimeout, "did not get the protocol's line in time: try again";
    /// The target of a tunnel cannot be reached.
    TARGET_UNREACHABLE = "target-unreachable", Target, "cannot reach the service: check that it runs there";
}

/// Limit in bytes of a sent or kept message, and of a word.
const MESSAGE_LIMIT: usize = 1024;
const WORD_LIMIT: usize = 64;

/// Limit in bytes of an answer line that the dialler reads. Fits any refusal of this library.
pub const ANSWER_LIMIT: usize = 4 * 1024;

/// Why a stream was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The word to branch on, one of [`word`] or a word of the peer's own; empty when the peer's line is not our JSON.
    pub word: String,
    /// For a person.
    pub message: String,
}

impl Refusal {
    /// A refusal with a word of [`word`], or another one of at most 64 bytes, and a message for a person.
    pub fn new(word: &str, message: impl Into<String>) -> Self {
        Self { word: word.to_owned(), message: message.into() }
    }

    /// The refusal as its line, `
    /// ` included. Omits control characters, and everything beyond 1 KiB of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let error = Value::from(tidy(&self.word, WORD_LIMIT));
        let message = Value::from(tidy(&self.message, MESSAGE_LIMIT));
        format!("{{\"error\":{error},\"message\":{message}}}\n").into_bytes()
    }

    /// Parses a line that is not `ack`, without its `\n`. A line that is not our JSON becomes the message. Omits control
    /// characters and everything beyond 1 KiB, because the text goes to terminals.
    #[must_use]
    pub fn parse(line: &[u8]) -> Self {
        let json = serde_json::from_slice(line).unwrap_or(Value::Null);
        // Only the word matters. Other keys are ignored.
        match json.get("error").and_then(Value::as_str) {
            Some(error) => {
                let message = json.get("message").and_then(Value::as_str).unwrap_or_default();
                Self { word: tidy(error, WORD_LIMIT), message: tidy(message, MESSAGE_LIMIT) }
            }
            None => Self { word: String::new(), message: tidy(&String::from_utf8_lossy(line), MESSAGE_LIMIT) },
        }
    }

    /// Converts the refusal to the dialler's error: the error of the word, or `ERR_REFUSED` for an unknown word. The word is
    /// always the error's `remote_code`.
    #[must_use]
    pub fn into_error(self, peer: &PublicKey) -> Error {
        let (code, advice) = meaning(&self.word);
        let said = match (self.word.as_str(), self.message.as_str()) {
            ("", "") => "it did not say why".to_owned(),
            (word, "") => format!("it said {word:?}"),
            (_, message) => format!("it said {message:?}"),
        };
        Error::new(code, format!("the peer {peer} {advice}; {said}")).with_remote_code(self.word)
    }
}

/// The text without control characters, cut to `limit` bytes between two characters.
fn tidy(text: &str, limit: usize) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.truncate(text.floor_char_boundary(limit));
    text
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::identity::SecretKey;

    fn refusal(word: &str, message: &str) -> Refusal {
        Refusal { word: word.into(), message: message.into() }
    }

    #[test]
    fn golden_refusals_are_exact() {
        let golden: Value = serde_json::from_str(include_str!("../../tests/golden/wire.json")).expect("golden file");
        for case in golden["refusals"].as_array().expect("refusals") {
            let text = |field: &str| case[field].as_str().expect(field);
            let sent = refusal(text("error"), text("message"));
            assert_eq!(HEXLOWER.encode(&sent.encode()), text("hex"));
            let peer = SecretKey::generate().public();
            let error = sent.into_error(&peer);
            assert_eq!(error.code().as_str(), text("becomes"));
            assert_eq!(error.remote_code(), Some(text("error")));
            assert!(error.message().contains(&peer.to_string()));
        }
    }

    #[test]
    fn every_word_has_a_golden_refusal() {
        let golden: Value = serde_json::from_str(include_str!("../../tests/golden/wire.json")).expect("golden file");
        let words: Vec<_> =
            golden["refusals"].as_array().expect("refusals").iter().map(|case| &case["error"]).collect();
        for word in word::ALL {
            assert!(words.iter().any(|known| *known == word), "{word}");
        }
    }

    #[test]
    fn a_line_that_is_not_ours_becomes_the_message() {
        let error = Refusal::parse(b"go away \xff\x1b[31m").into_error(&SecretKey::generate().public());
        assert_eq!((error.code(), error.remote_code()), (Code::Refused, Some("")));
        assert!(error.message().contains("go away \u{fffd}[31m"));
    }

    #[test]
    fn only_the_word_of_an_object_matters() {
        for line in
            [r#"{"error":"busy"}"#, r#"{"error":"busy","message":null}"#, r#"{"message":7,"error":"busy","x":[]}"#]
        {
            assert_eq!(Refusal::parse(line.as_bytes()), refusal("busy", ""), "{line}");
        }
        for line in [r#"["busy","no"]"#, r#"{"error":7}"#, r#""busy""#] {
            assert_eq!(Refusal::parse(line.as_bytes()), refusal("", line));
        }
    }

    #[test]
    fn a_message_is_cut_between_two_characters() {
        let read = Refusal::parse(&refusal("busy", &"€".repeat(1000)).encode());
        assert_eq!(read.message, "€".repeat(341));
    }

    #[test]
    fn the_wire_page_lists_every_word() {
        let page = include_str!("../../../../docs/wire.md");
        let row = page.lines().find(|line| line.starts_with("| refusal, `error` |")).expect("a row for refusals");
        for word in word::ALL {
            assert!(row.contains(&format!("`{word}`")), "{word}");
        }
    }

    proptest! {
        #[test]
        fn an_encoded_refusal_is_one_line_and_round_trips(word in "[a-z-]{1,20}", message: String) {
            let sent = refusal(&word, &message);
            let line = sent.encode();
            let (end, line) = line.split_last().expect("line");
            prop_assert_eq!(*end, b'\n');
            prop_assert!(!line.contains(&b'\n') && line.len() <= ANSWER_LIMIT);
            prop_assert_eq!(Refusal::parse(line), refusal(&word, &tidy(&message, MESSAGE_LIMIT)));
        }

        #[test]
        fn a_parsed_refusal_is_short_and_printable(line: Vec<u8>, text: String) {
            let json = format!("{{\"error\":{0},\"message\":{0},\"more\":1}}", Value::from(text));
            for line in [line, json.into_bytes()] {
                let Refusal { word, message } = Refusal::parse(&line);
                prop_assert!(word.len() <= WORD_LIMIT && message.len() <= MESSAGE_LIMIT);
                prop_assert!(!word.chars().chain(message.chars()).any(char::is_control));
            }
        }
    }
}
