import { unicodePattern } from './unicode.js'

// Control characters, line separators and bidirectional marks: they move a terminal's cursor or reorder text.
const marks = String.raw`\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069`
const unprintable = unicodePattern(String.raw`[\p{Cc}${marks}]`, 'gu')
const unprintableInLines = unicodePattern(String.raw`[^\P{Cc}\n\t]|[${marks}]`, 'gu')

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Escapes a peer's text for a terminal: one line, no control characters. Same rules as `printable` in the core. */
export function printable(text: string): string {
  return text.replace(unprintable(), escaped)
}

/** Like {@link printable}, but keeps `\n` and `\t`. For text of several lines, such as a stack trace. */
export function printableLines(text: string): string {
  return text.replace(unprintableInLines(), escaped)
}

function escaped(character: string): string {
  return shortEscapes[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`
}

/** Sets what `console.log` and `util.inspect` print for instances of a class. */
export function inspectAs<T extends object>(type: { readonly prototype: T }, text: (self: T) => string): void {
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T) {
      return printable(text(this))
    }
  })
}

/**
 * Makes `JSON.stringify` write an object's bigints as strings instead of throwing. Peers choose these numbers, and must not be
 * able to break a program's logging.
 */
export function jsonSafe<T extends object>(object: T): T {
  const toJSON = () => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, bigintToString(value)]))
  return Object.defineProperty(object, 'toJSON', { value: toJSON })
}

function bigintToString(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
