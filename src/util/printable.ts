// What moves a terminal's cursor, or turns the direction of text around: control characters, line separators, bidirectional marks.
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const withoutLines = /[^\P{Cc}\n\t]|[\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A text that a peer may have written, for a terminal: on one line, control characters escaped. As `printable` in the core. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped)
}

/** The same for what has lines of its own, such as a stack. */
export function printableLines(text: string): string {
  return text.replace(withoutLines, escaped)
}

function escaped(character: string): string {
  return short[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`
}
