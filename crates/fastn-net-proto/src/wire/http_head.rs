//! Heads of the protocol `Http` of older peers: one line of JSON each.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Code, Error, Result};

/// Name and value of a header field.
pub type Field = (String, Vec<u8>);

/// The head of a request. Its content is not validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHead {
    /// Path and query.
    pub uri: String,
    /// Method.
    pub method: String,
    /// Header fields, in order.
    pub headers: Vec<Field>,
}

/// The head of an answer. Its content is not validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerHead {
    /// Status code.
    pub status: u16,
    /// Header fields, in order.
    pub headers: Vec<Field>,
}

/// The line of a head, with its `\n`.
#[must_use]
pub fn encode(head: &impl Serialize) -> Vec<u8> {
    // Cannot fail: both heads consist of JSON types.
    let mut line = serde_json::to_vec(head).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Decodes the line of a head, without its `\n`.
///
/// # Errors
///
/// `ERR_HEADER_INVALID`.
pub fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T> {
    serde_json::from_slice(line).map_err(|_| Error::new(Code::HeaderInvalid, "the head is not valid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_round_trip() {
        let request = RequestHead {
            uri: "/p?q".to_owned(),
            method: "GET".to_owned(),
            headers: vec![("host".to_owned(), b"127".to_vec()), ("accept".to_owned(), b"*/*".to_vec())],
        };
        let line =
            b"{\"uri\":\"/p?q\",\"method\":\"GET\",\"headers\":[[\"host\",[49,50,55]],[\"accept\",[42,47,42]]]}\n";
        assert_eq!(encode(&request), line);
        assert_eq!(decode::<RequestHead>(&line[..line.len() - 1]).expect("a head"), request);
        let answer =
            AnswerHead { status: 200, headers: vec![("content-type".to_owned(), vec![116, 101, 120, 116, 255])] };
        let line = b"{\"status\":200,\"headers\":[[\"content-type\",[116,101,120,116,255]]]}\n";
        assert_eq!(encode(&answer), line);
        assert_eq!(decode::<AnswerHead>(&line[..line.len() - 1]).expect("a head"), answer);
    }

    #[test]
    fn other_lines_are_invalid() {
        for line in [
            "",
            "{}",
            "[]",
            r#"{"uri":"/","method":"GET"}"#,
            r#"{"uri":"/","method":"GET","headers":{}}"#,
            r#"{"uri":"/","method":"GET","headers":[["a"]]}"#,
            r#"{"uri":"/","method":"GET","headers":[["a","b"]]}"#,
            r#"{"uri":"/","method":"GET","headers":[["a",[256]]]}"#,
            r#"{"uri":"/","method":"GET","headers":[["a",[-1]]]}"#,
            r#"{"uri":"/","method":"GET","headers":[["a",[1.5]]]}"#,
            r#"{"uri":"/","method":"GET","headers":[]}x"#,
        ] {
            assert!(decode::<RequestHead>(line.as_bytes()).is_err(), "{line}");
        }
        for line in [r#"{"headers":[]}"#, r#"{"status":"200","headers":[]}"#, r#"{"status":70000,"headers":[]}"#] {
            assert!(decode::<AnswerHead>(line.as_bytes()).is_err(), "{line}");
        }
    }
}
