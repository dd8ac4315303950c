//! Makes text from a peer safe to print on a terminal.

use std::borrow::Cow;

/// Returns the text on one line. Escapes every control character (`\n`, `\u{1b}`) and every character that changes the text
/// direction. So text from a peer cannot move a cursor or imitate a line of this program.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unprintable(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Control characters, separators of lines and paragraphs, marks of direction.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_are_escaped_and_the_rest_stays() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\u{9b}\u{7f}\u{202e}"), r"a\u{1b}[31mb\r\n\u{9b}\u{7f}\u{202e}");
        assert!(matches!(printable(r#"Grüße, "日本" 🦀 \n"#), Cow::Borrowed(r#"Grüße, "日本" 🦀 \n"#)));
    }

    proptest! {
        #[test]
        fn no_shown_character_is_a_control_character(text: String) {
            prop_assert!(!printable(&text).contains(char::is_control));
        }
    }
}
