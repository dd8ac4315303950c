//! Printing to stderr, one line for each event.

use std::io::{self, Write};

use fastn_net::printable;

/// Standard error. Each event takes one line, regardless of a peer's text in it.
pub(crate) fn one_line() -> OneLine<io::Stderr> {
    OneLine(io::stderr())
}

/// Escapes control characters except the final newline. Each write must be a whole event.
pub(crate) struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (line, end) = text.strip_suffix('\n').map_or((&*text, ""), |line| (line, "\n"));
        self.0.write_all(format!("{}{end}", printable(line)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_control_characters() {
        let mut out = OneLine(Vec::new());
        out.write_all(b"DEBUG closed: \x1b[2Jbye\n ERROR forged\r\n").expect("write");
        out.write_all("a tab\t and \u{9b}31m\n".as_bytes()).expect("write");
        let expected = "DEBUG closed: \\u{1b}[2Jbye\\n ERROR forged\\r\na tab\\t and \\u{9b}31m\n";
        assert_eq!(String::from_utf8(out.0).expect("text"), expected);
    }
}
