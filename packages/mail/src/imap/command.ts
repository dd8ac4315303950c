import handler, { type ParsedAttribute } from 'emailjs-imap-handler'
import { maxNesting, maxTokens } from './limits.js'

/** A word of a command: atom, quoted string or literal. */
export interface Word {
  readonly kind: 'atom' | 'string' | 'literal'
  /** Binary string. */
  readonly value: string
  /** Words inside `BODY[…]`. */
  readonly section?: readonly Token[]
  /** Numbers of `<…>` after a section. */
  readonly partial?: readonly number[]
}

/** A word, a list in parentheses, or `NIL`. */
export type Token = Word | readonly Token[] | null

/** A parsed command. */
export interface Command {
  readonly tag: string
  /** In capitals; UID commands include a space: `UID FETCH`. */
  readonly name: string
  readonly args: readonly Token[]
}

/** A syntax error of the client: the answer is `BAD`. */
export class BadCommand extends Error {
  /** Tag of the command, if known. */
  readonly tag: string

  constructor(message: string, tag: string = '*') {
    super(message)
    this.tag = tag
  }
}

/** The tag and name from a command's first line. */
export interface CommandStart {
  readonly tag: string
  readonly name: string
  /** The rest of the line. */
  readonly rest: string
}

/** The tag at the start of a line; `undefined` without one. */
export function tagOf(line: string): string | undefined {
  return /^[^\s(){%*"\\+\p{Control}\u0080-\uffff]{1,64}(?= |$)/u.exec(line)?.[0]
}

/** Splits the first line of a command. Throws {@link BadCommand}. */
export function startOf(line: string): CommandStart {
  const tag = tagOf(line)
  if (tag === undefined) throw new BadCommand('a command begins with a tag')
  const found = /^ (UID [A-Za-z]+|[A-Za-z]{1,32})(?: (.*))?$/is.exec(line.slice(tag.length))
  if (!found?.[1]) throw new BadCommand('a tag is followed by a command', tag)
  return { tag, name: found[1].toUpperCase(), rest: found[2] ?? '' }
}

/** Placeholder of a literal in a command's text: `{0}` and a line break. */
export const literalMark = '{0}\r\n'

/**
 * Parses the arguments of a command. In `text`, each literal is {@link literalMark}. The library parses quoted strings, lists, sections and
 * literals; its input is restricted to linear time and bounded depth. Throws {@link BadCommand}.
 */
export function parseArguments(tag: string, text: string, literals: readonly string[]): Token[] {
  if (text === '') return []
  const left = [...literals]
  const tokenOf = (attribute: ParsedAttribute): Token => {
    if (attribute === null) return null
    if (Array.isArray(attribute)) return attribute.map(tokenOf)
    const { type, section, partial } = attribute
    const value = type === 'LITERAL' ? (left.shift() ?? '') : attribute.value
    const kind = type === 'LITERAL' ? 'literal' : type === 'STRING' ? 'string' : 'atom'
    const word: Word = { kind, value, ...(section && { section: section.map(tokenOf) }), ...(partial && { partial }) }
    return word
  }
  try {
    return (handler.parser(Buffer.from(`A X ${prepare(text)}`, 'latin1')).attributes ?? []).map(tokenOf)
  } catch (error) {
    // The library throws its own errors, and language errors for some malformed input.
    throw error instanceof BadCommand
      ? new BadCommand(error.message, tag)
      : new BadCommand('the arguments are invalid', tag)
  }
}

/**
 * Bounds words and nesting. Quotes sets, patterns and names with a tilde (`1:*`, `INBOX.%`, `~x`), because the library supports sets only in
 * some places, does not support patterns, and drops tildes.
 */
function prepare(text: string): string {
  let out = ''
  let depth = 0
  let tokens = 0
  let at = 0
  while (at < text.length) {
    const char = text[at] as string
    if (text.startsWith(literalMark, at)) {
      out += literalMark
      at += literalMark.length
      tokens++
    } else if (char === '"') {
      const end = endOfQuoted(text, at)
      out += text.slice(at, end)
      at = end
      tokens++
    } else if (char === '(' || char === ')') {
      depth += char === '(' ? 1 : -1
      if (depth > maxNesting) throw new BadCommand('too many parentheses')
      if (depth < 0) throw new BadCommand('unexpected )')
      out += char
      at++
      tokens++
    } else if (char === ' ' || char === '[' || char === ']') {
      out += char
      at++
    } else {
      const end = endOfAtom(text, at)
      const atom = text.slice(at, end)
      out += /[*%:,~]/.test(atom) && !atom.startsWith('\\') ? `"${atom}"` : atom
      at = end
      tokens++
    }
    if (tokens > maxTokens) throw new BadCommand('too many words')
  }
  return out
}

function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]
    if (char === '"') return at + 1
    if (char === '\\') at++
    if (char === '\0' || char === '\r' || char === '\n') break
  }
  throw new BadCommand('a quoted string does not end')
}

function endOfAtom(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code > 0x7e || code === 0x7b)
      throw new BadCommand('a character is not allowed outside of quotes')
    if (' ()"[]'.includes(text[at] as string)) return at
  }
  return text.length
}
