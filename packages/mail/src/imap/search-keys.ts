import { isList, numberOf, textOf } from './args.js'
import { BadCommand, type Token } from './command.js'
import { parseDay } from './format.js'
import { Refused } from './refused.js'
import { type NumberRange, parseSet } from './sets.js'

/** A condition of SEARCH. */
export type SearchKey =
  | { readonly kind: 'all' | 'recent' | 'old' }
  | { readonly kind: 'flag'; readonly flag: string; readonly isSet: boolean }
  | { readonly kind: 'size' | 'received' | 'sent'; readonly least: number; readonly most: number }
  | { readonly kind: 'modseq'; readonly least: number }
  | { readonly kind: 'set'; readonly ranges: readonly NumberRange[]; readonly isUid: boolean }
  /** Field name and text, both in lower case. */
  | { readonly kind: 'header'; readonly name: string; readonly text: string }
  | { readonly kind: 'body' | 'text'; readonly text: string }
  | { readonly kind: 'and' | 'or'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'not'; readonly key: SearchKey }

/** Maximum text conditions of one SEARCH. Each costs a pass over the text. */
const maxTextKeys = 100

const dayMs = 24 * 3600_000
const infinity = Number.POSITIVE_INFINITY
const flags = ['ANSWERED', 'DELETED', 'DRAFT', 'FLAGGED', 'SEEN']
const headers = ['BCC', 'CC', 'FROM', 'SUBJECT', 'TO']

/** Parses the conditions of SEARCH, which must all hold. Throws {@link BadCommand}, and `Refused` for an unknown charset. */
export function searchKeys(tokens: readonly Token[]): SearchKey {
  const left = [...tokens]
  const first = left[0]
  if (first && !isList(first) && textOf(first).toUpperCase() === 'CHARSET') {
    const charset = textOf(left[1]).toUpperCase()
    if (charset !== 'UTF-8' && charset !== 'US-ASCII')
      throw new Refused('the charset is not supported', 'BADCHARSET (US-ASCII UTF-8)')
    left.splice(0, 2)
  }
  const reader = new KeyReader(left)
  return reader.all()
}

class KeyReader {
  readonly #tokens: readonly Token[]
  readonly #count: { text: number }
  #at = 0

  constructor(tokens: readonly Token[], count: { text: number } = { text: 0 }) {
    this.#tokens = tokens
    this.#count = count
  }

  all(): SearchKey {
    if (this.#tokens.length === 0) throw new BadCommand('SEARCH takes a condition')
    const keys: SearchKey[] = []
    while (this.#at < this.#tokens.length) keys.push(this.#key(0))
    return keys.length === 1 ? (keys[0] as SearchKey) : { kind: 'and', keys }
  }

  #next(): Token {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new BadCommand('a condition of SEARCH is not complete')
    return token
  }

  #key(depth: number): SearchKey {
    // NOT and OR nest without parentheses.
    if (depth > 100) throw new BadCommand('the conditions of SEARCH nest too deep')
    const token = this.#next()
    if (isList(token)) return new KeyReader(token, this.#count).all()
    const name = textOf(token).toUpperCase()
    if (/^[\d*]/.test(name)) return { kind: 'set', ranges: parseSet(name), isUid: false }
    if (name === 'NOT') return { kind: 'not', key: this.#key(depth + 1) }
    if (name === 'OR') return { kind: 'or', keys: [this.#key(depth + 1), this.#key(depth + 1)] }
    return this.#simple(name)
  }

  #simple(name: string): SearchKey {
    const isUn = name.startsWith('UN')
    const flag = isUn ? name.slice(2) : name
    if (flags.includes(flag)) return { kind: 'flag', flag: `\\${flag}`.toLowerCase(), isSet: !isUn }
    if (flag === 'KEYWORD') return { kind: 'flag', flag: textOf(this.#next()).toLowerCase(), isSet: !isUn }
    if (headers.includes(name)) return this.#text({ kind: 'header', name: name.toLowerCase(), text: this.#string() })
    switch (name) {
      case 'ALL':
      case 'RECENT':
      case 'OLD':
        return { kind: name.toLowerCase() as 'all' | 'recent' | 'old' }
      case 'NEW':
        return { kind: 'and', keys: [{ kind: 'recent' }, { kind: 'flag', flag: '\\seen', isSet: false }] }
      case 'LARGER':
        return { kind: 'size', least: numberOf(this.#next()) + 1, most: infinity }
      case 'SMALLER':
        return { kind: 'size', least: 0, most: numberOf(this.#next()) - 1 }
      case 'UID':
        return { kind: 'set', ranges: parseSet(textOf(this.#next())), isUid: true }
      case 'HEADER':
        return this.#text({ kind: 'header', name: textOf(this.#next()).toLowerCase(), text: this.#string() })
      case 'BODY':
      case 'TEXT':
        return this.#text({ kind: name === 'BODY' ? 'body' : 'text', text: this.#string() })
      case 'MODSEQ':
        return this.#modseq()
      default:
        return this.#date(name)
    }
  }

  #date(name: string): SearchKey {
    const found = /^(SENT)?(BEFORE|ON|SINCE)$/.exec(name)
    if (!found) throw new BadCommand('a condition of SEARCH is unknown')
    const day = parseDay(textOf(this.#next()))
    if (day === undefined) throw new BadCommand('a date of SEARCH is invalid')
    const least = found[2] === 'BEFORE' ? -infinity : day
    const most = found[2] === 'BEFORE' ? day - 1 : found[2] === 'ON' ? day + dayMs - 1 : infinity
    return { kind: found[1] ? 'sent' : 'received', least, most }
  }

  #modseq(): SearchKey {
    const first = textOf(this.#next())
    // A flag entry may come first; all flags share one sequence.
    if (first.startsWith('/')) this.#at++
    else this.#at--
    return { kind: 'modseq', least: numberOf(this.#next()) }
  }

  #text(key: SearchKey): SearchKey {
    if (++this.#count.text > maxTextKeys) throw new BadCommand(`SEARCH takes at most ${maxTextKeys} texts`)
    return key
  }

  #string(): string {
    return Buffer.from(textOf(this.#next()), 'latin1').toString('utf8').toLowerCase()
  }
}

/** Whether conditions use modification sequences. */
export function usesModseq(key: SearchKey): boolean {
  if (key.kind === 'modseq') return true
  if (key.kind === 'not') return usesModseq(key.key)
  return 'keys' in key && key.keys.some(usesModseq)
}
