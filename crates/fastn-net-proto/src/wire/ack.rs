//! The first line from the acceptor of a stream.

use super::refusal::Refusal;

/// The acceptor accepts the stream.
pub const ACK: &[u8] = b"ack\n";

/// Answer to a Ping, after [`ACK`]. The acceptor's FIN must follow at once: Rust peers read to the end.
pub const PONG: &[u8] = b"pong\n";

/// The parsed first line of the acceptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The stream is accepted. Payload follows.
    Ack,
    /// The stream is refused, for this reason.
    Refused(Refusal),
}

impl Answer {
    /// Parses the acceptor's first line, which is given without its `
    /// `. Any line but `ack` is a refusal.
    #[must_use]
    pub fn parse(line: &[u8]) -> Self {
        if line == b"ack" { Self::Ack } else { Self::Refused(Refusal::parse(line)) }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use serde_json::Value;

    use super::*;
    use crate::{protocol::Protocol, wire::header};

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/wire.json")).expect("golden file")
    }

    #[test]
    fn golden_ping_is_exact() {
        let ping = &golden()["ping"];
        assert_eq!(HEXLOWER.encode(&header::encode(&Protocol::Ping, None).expect("header")), ping["request"]);
        assert_eq!(HEXLOWER.encode(ACK), ping["ack"]);
        assert_eq!(HEXLOWER.encode(&[ACK, PONG].concat()), ping["answer"]);
    }

    #[test]
    fn golden_answers_are_parsed() {
        for case in golden()["answers"].as_array().expect("answers") {
            let line = HEXLOWER.decode(case["hex"].as_str().expect("hex").as_bytes()).expect("hex");
            let expected = match &case["refused"] {
                Value::Null => Answer::Ack,
                refused => Answer::Refused(Refusal {
                    word: refused["error"].as_str().expect("error").into(),
                    message: refused["message"].as_str().expect("message").into(),
                }),
            };
            assert_eq!(Answer::parse(&line), expected, "{}", case["what"]);
        }
    }
}
