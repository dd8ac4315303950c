//! The dialler's first line: the protocol, and an extra line after it if that protocol has one.

use crate::{
    error::{Code, Error, Result},
    protocol::Protocol,
};

/// The bytes that open a stream: the protocol's line, then the extra line if there is one, each with its `\n`.
///
/// # Errors
///
/// `ERR_INVALID_ARGUMENT` when `extra` has a line break in it.
pub fn encode(protocol: &Protocol, extra: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut bytes = protocol.to_json().into_bytes();
    bytes.push(b'\n');
    if let Some(extra) = extra {
        if extra.contains(&b'\n') {
            return Err(Error::new(
                Code::InvalidArgument,
                "`extra` is one line: take the line breaks out, or send it as the first bytes of the payload",
            ));
        }
        bytes.extend_from_slice(extra);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The protocol in a stream's first line, which is given without its `\n`. White space around it is allowed.
///
/// # Errors
///
/// `ERR_HEADER_INVALID` when it is not UTF-8 or names no protocol.
pub fn decode(line: &[u8]) -> Result<Protocol> {
    Protocol::from_json(line)
        .map_err(|error| Error::new(Code::HeaderInvalid, format!("the stream's first line is {}", error.message())))
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/wire.json")).expect("golden file")
    }

    #[test]
    fn golden_headers_are_exact() {
        for case in golden()["headers"].as_array().expect("headers") {
            let protocol = serde_json::from_value(case["protocol"].clone()).expect("protocol");
            let extra = case["extra"].as_str().map(str::as_bytes);
            let bytes = encode(&protocol, extra).expect("header");
            assert_eq!(HEXLOWER.encode(&bytes), case["hex"].as_str().expect("hex"), "{protocol}");
            let line = bytes.split(|byte| *byte == b'\n').next().expect("line");
            assert_eq!(decode(line).expect("line"), protocol);
        }
    }

    #[test]
    fn golden_lines_without_a_header_are_rejected() {
        for case in golden()["badHeaders"].as_array().expect("badHeaders") {
            let line = HEXLOWER.decode(case.as_str().expect("hex").as_bytes()).expect("hex");
            assert_eq!(decode(&line).expect_err("decoded").code(), Code::HeaderInvalid);
        }
    }

    #[test]
    fn an_extra_line_has_no_line_break() {
        let error = encode(&Protocol::Tcp, Some(b"a\nb")).expect_err("line break");
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(encode(&Protocol::Tcp, Some(b"")).expect("empty"), b"\"Tcp\"\n\n");
    }

    proptest! {
        #[test]
        fn white_space_around_a_header_is_accepted(before in "[ \t\r]{0,4}", after in "[ \t\r]{0,4}") {
            let line = format!("{before}{{\"Generic\":\"Echo\"}}{after}");
            prop_assert_eq!(decode(line.as_bytes()).expect("header"), Protocol::Generic("Echo".into()));
        }
    }
}
