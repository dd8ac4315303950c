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

/** How `console.log` and `util.inspect` show objects of a class: private fields say nothing to a person. */
export function inspectAs<T extends object>(type: { readonly prototype: T }, text: (self: T) => string): void {
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T) {
      return printable(text(this))
    }
  })
}

/**
 * Lets `JSON.stringify` take an object with bigints: they are shown as text, where it would throw. A peer chooses such a number, and
 * must not be able to make a program's logging fail.
 */
export function jsonSafe<T extends object>(object: T): T {
  const toJSON = () => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, textOfBigint(value)]))
  return Object.defineProperty(object, 'toJSON', { value: toJSON })
}

function textOfBigint(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
