//! Splits incoming bytes into lines of limited length.

use std::fmt;

/// Collects one line at a time. Allocates nothing until it is fed. `Debug` shows the line's length, not its bytes.
pub struct LineBuffer {
    line: Vec<u8>,
    limit: usize,
}

/// Result of [`LineBuffer::feed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// All bytes were taken and the line continues.
    More,
    /// The line is complete: [`LineBuffer::take`] it.
    Line {
        /// Number of consumed bytes, the line's end included. The caller keeps the rest.
        used: usize,
    },
    /// The line is longer than the limit. No byte was taken; [`LineBuffer::take`] returns the earlier ones.
    TooLong,
}

impl fmt::Debug for LineBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineBuffer").field("bytes", &self.line.len()).field("limit", &self.limit).finish()
    }
}

impl LineBuffer {
    /// Creates a buffer for lines of at most `limit` bytes, without their `\n`.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { line: Vec::new(), limit }
    }

    /// Takes bytes up to and including the next `\n`. Take a complete line out before feeding the next one.
    pub fn feed(&mut self, bytes: &[u8]) -> Feed {
        let room = self.limit - self.line.len();
        // One byte beyond the limit, for the line end itself. Later bytes change nothing.
        let seen = &bytes[..bytes.len().min(room.saturating_add(1))];
        match seen.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.line.extend_from_slice(&bytes[..end]);
                Feed::Line { used: end + 1 }
            }
            None if bytes.len() <= room => {
                self.line.extend_from_slice(bytes);
                Feed::More
            }
            None => Feed::TooLong,
        }
    }

    /// Number of buffered bytes of an unfinished line.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.line.len()
    }

    /// Takes the bytes collected so far, without `
    /// `, and empties the buffer.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;

    #[test]
    fn the_rest_stays_with_the_caller() {
        let mut buffer = LineBuffer::new(10);
        assert_eq!(buffer.feed(b"\"Pi"), Feed::More);
        assert_eq!(buffer.feed(b"ng\"\npayload\n"), Feed::Line { used: 4 });
        assert_eq!(buffer.take(), b"\"Ping\"");
        assert_eq!(buffer.feed(b"payload\n"), Feed::Line { used: 8 });
        assert_eq!(buffer.take(), b"payload");
    }

    #[test]
    fn the_limit_counts_the_line_without_its_end() {
        let mut buffer = LineBuffer::new(3);
        assert_eq!(buffer.feed(b"abc\n"), Feed::Line { used: 4 });
        assert_eq!(buffer.take(), b"abc");
        assert_eq!(buffer.feed(b"abcd\n"), Feed::TooLong);
        assert_eq!(buffer.feed(b"abc"), Feed::More);
        assert_eq!(buffer.feed(b""), Feed::More);
        assert_eq!(buffer.feed(b"d"), Feed::TooLong);
        assert_eq!(buffer.take(), b"abc");
        assert_eq!(LineBuffer::new(0).feed(b"\n"), Feed::Line { used: 1 });
        assert_eq!(LineBuffer::new(usize::MAX).feed(b"x\n"), Feed::Line { used: 2 });
    }

    #[test]
    fn an_unfed_buffer_holds_no_memory() {
        assert_eq!(LineBuffer::new(1 << 30).line.capacity(), 0);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_their_bytes_are_split(
            lines in collection::vec("[a-c]{0,12}", 0..8),
            cuts in collection::vec(1usize..9, 1..20),
            limit in 0usize..14,
        ) {
            let bytes: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
            let fits = lines.iter().position(|line| line.len() > limit).unwrap_or(lines.len());
            let mut buffer = LineBuffer::new(limit);
            let (mut read, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter().cycle());
            let mut too_long = false;
            while at < bytes.len() && !too_long {
                let chunk = &bytes[at..bytes.len().min(at + cuts.next().expect("cycle"))];
                match buffer.feed(chunk) {
                    Feed::More => at += chunk.len(),
                    Feed::Line { used } => {
                        at += used;
                        read.push(String::from_utf8(buffer.take()).expect("utf-8"));
                    }
                    Feed::TooLong => too_long = true,
                }
            }
            prop_assert_eq!(too_long, fits < lines.len());
            prop_assert_eq!(&read[..], &lines[..fits]);
        }
    }
}
