import { unquote } from './parameters.js'

/** An address in the format of ENVELOPE. A group begins with an entry that has only a mailbox, and ends with an empty entry. */
export interface Address {
  readonly name: string | undefined
  readonly mailbox: string | undefined
  readonly host: string | undefined
}

/** Maximum addresses of one field. */
const maxAddresses = 2000
/** Maximum parsed bytes of one field. */
const maxFieldBytes = 256 * 1024

type Piece = { readonly kind: 'word' | 'quoted' | 'comment' | 'special'; readonly text: string }

/** Parses a list of addresses. Malformed entries get only a mailbox, or are skipped. */
export function parseAddresses(field: string): Address[] {
  const addresses: Address[] = []
  let pieces: Piece[] = []
  let isGroup = false
  let isInBrackets = false
  const end = () => {
    const address = addressOf(pieces)
    if (address) addresses.push(address)
    pieces = []
    isInBrackets = false
  }
  for (const piece of piecesOf(field.slice(0, maxFieldBytes))) {
    if (addresses.length >= maxAddresses) break
    if (piece.kind !== 'special') pieces.push(piece)
    else if (piece.text === ',' && !isInBrackets) end()
    else if (piece.text === ':' && !isInBrackets && !isGroup) {
      addresses.push({ name: undefined, mailbox: textOf(pieces), host: undefined })
      pieces = []
      isGroup = true
    } else if (piece.text === ';' && isGroup) {
      end()
      addresses.push({ name: undefined, mailbox: undefined, host: undefined })
      isGroup = false
    } else if (piece.text === '>') end()
    else {
      pieces.push(piece)
      isInBrackets ||= piece.text === '<'
    }
  }
  end()
  if (isGroup) addresses.push({ name: undefined, mailbox: undefined, host: undefined })
  return addresses
}

function addressOf(pieces: readonly Piece[]): Address | undefined {
  const open = pieces.findIndex(({ kind, text }) => kind === 'special' && text === '<')
  const spec = open === -1 ? pieces : pieces.slice(open + 1)
  const words = spec.filter(({ kind }) => kind !== 'comment')
  const at = words.findLastIndex(({ kind, text }) => kind === 'special' && text === '@')
  const comment = pieces.findLast(({ kind }) => kind === 'comment')?.text
  const phrase = open === -1 ? '' : textOf(pieces.slice(0, open))
  const name = phrase !== '' ? phrase : comment
  // `@relay:user@host` is an old route before the address.
  const route = words.findLastIndex(({ kind, text }, index) => kind === 'special' && text === ':' && index < at)
  const local = joined(words.slice(route + 1, at === -1 ? undefined : at))
  const host = at === -1 ? '' : joined(words.slice(at + 1))
  if (local === '' && host === '' && (name ?? '') === '') return undefined
  if (local === '' && host === '' && open === -1) return undefined
  return { name: name === '' ? undefined : name, mailbox: local, host: host === '' ? undefined : host }
}

function textOf(pieces: readonly Piece[]): string {
  return pieces
    .filter(({ kind }) => kind !== 'comment')
    .map(({ text }) => text)
    .join(' ')
}

function joined(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('')
}

function* piecesOf(text: string): Generator<Piece, void, undefined> {
  let at = 0
  while (at < text.length) {
    const char = text[at] as string
    if (/\s/.test(char)) at++
    else if (char === '"') {
      const end = endOfQuoted(text, at)
      yield { kind: 'quoted', text: unquote(text.slice(at, end)) }
      at = end
    } else if (char === '(') {
      const end = endOfComment(text, at)
      yield { kind: 'comment', text: text.slice(at + 1, text[end - 1] === ')' ? end - 1 : end).trim() }
      at = end
    } else if ('<>@,;:'.includes(char)) {
      yield { kind: 'special', text: char }
      at++
    } else {
      let end = at + 1
      while (end < text.length && !/[\s"(<>@,;:]/.test(text[end] as string)) end++
      yield { kind: 'word', text: text.slice(at, end) }
      at = end
    }
  }
}

function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return at + 1
    if (text[at] === '\\') at++
  }
  return text.length
}

function endOfComment(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return at + 1
  }
  return text.length
}
