import { isList, textOf } from './args.js'
import { BadCommand, type Token, type Word } from './command.js'
import { quote } from './format.js'

/** A section of a message. */
export interface Section {
  /** Numbers of the part; none for the message. */
  readonly path: readonly number[]
  /** Kind of section; by default the body of a part, or the whole message. */
  readonly text: 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME' | undefined
  /** Names of fields in lower case. */
  readonly fields: readonly string[]
}

/** An item of FETCH. */
export type FetchItem =
  | {
      readonly kind: 'FLAGS' | 'UID' | 'INTERNALDATE' | 'RFC822.SIZE' | 'MODSEQ' | 'ENVELOPE' | 'BODY' | 'BODYSTRUCTURE'
    }
  | {
      readonly kind: 'section'
      readonly section: Section
      /** Its label in the response. */
      readonly label: string
      /** Whether reading it keeps `\Seen` unchanged. */
      readonly isPeek: boolean
      /** First byte and number of bytes. */
      readonly partial: readonly [start: number, count: number] | undefined
    }

/** Maximum items of one FETCH. */
const maxItems = 200
/** Maximum levels of a part number. */
const maxPath = 100

const plain = ['FLAGS', 'UID', 'INTERNALDATE', 'RFC822.SIZE', 'MODSEQ', 'ENVELOPE', 'BODY', 'BODYSTRUCTURE'] as const
const fast = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'] as const
const macros: Readonly<Record<string, readonly (typeof plain)[number][]>> = {
  FAST: fast,
  ALL: [...fast, 'ENVELOPE'],
  FULL: [...fast, 'ENVELOPE', 'BODY']
}

/** Parses the items of FETCH. Throws {@link BadCommand}. */
export function fetchItems(token: Token | undefined): FetchItem[] {
  if (isList(token)) {
    if (token.length === 0 || token.length > maxItems) throw new BadCommand(`FETCH takes 1 to ${maxItems} items`)
    return token.map(itemOf)
  }
  const name = token === undefined || token === null ? undefined : token.value.toUpperCase()
  const macro = name !== undefined && Object.hasOwn(macros, name) ? macros[name] : undefined
  return macro ? macro.map(kind => ({ kind })) : [itemOf(token)]
}

function itemOf(token: Token | undefined): FetchItem {
  if (!token || isList(token)) throw new BadCommand('an item of FETCH is invalid')
  const word = token as Word
  const name = word.value.toUpperCase()
  if (word.section) return sectionItem(name, word)
  const kind = plain.find(known => known === name)
  if (kind) return { kind }
  const whole = { path: [], fields: [] }
  const common = { kind: 'section', label: name, partial: undefined } as const
  if (name === 'RFC822') return { ...common, section: { ...whole, text: undefined }, isPeek: false }
  if (name === 'RFC822.HEADER') return { ...common, section: { ...whole, text: 'HEADER' }, isPeek: true }
  if (name === 'RFC822.TEXT') return { ...common, section: { ...whole, text: 'TEXT' }, isPeek: false }
  throw new BadCommand('an item of FETCH is unknown')
}

function sectionItem(name: string, word: Word): FetchItem {
  if (name !== 'BODY' && name !== 'BODY.PEEK') throw new BadCommand('an item of FETCH is unknown')
  const [first, list, ...more] = word.section ?? []
  const spec = first === undefined ? '' : textOf(first).toUpperCase()
  const found =
    /^(?:([1-9]\d{0,8}(?:\.[1-9]\d{0,8})*)(?:\.(?=[A-Z])|$))?(HEADER|HEADER\.FIELDS|HEADER\.FIELDS\.NOT|TEXT|MIME)?$/.exec(
      spec
    )
  if (!found || more.length > 0) throw new BadCommand('a section is invalid')
  const path = (found[1]?.split('.') ?? []).map(Number)
  const text = found[2] as Section['text']
  const takesFields = text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT'
  if (path.length > maxPath || (text === 'MIME' && path.length === 0)) throw new BadCommand('a section is invalid')
  if (takesFields ? !isList(list) || list.length === 0 : list !== undefined)
    throw new BadCommand('a section takes a list of fields')
  const names = isList(list) ? list.map(textOf) : []
  const fields = names.map(field => field.toLowerCase())
  const fieldLabel = takesFields
    ? ` (${names.map(field => (/^[\w-]+$/.test(field) ? field.toUpperCase() : quote(field))).join(' ')})`
    : ''
  const partial = partialOf(word.partial)
  const label = `BODY[${spec}${fieldLabel}]${partial ? `<${partial[0]}>` : ''}`
  return { kind: 'section', section: { path, text, fields }, label, isPeek: name === 'BODY.PEEK', partial }
}

function partialOf(partial: readonly number[] | undefined): readonly [number, number] | undefined {
  if (!partial) return undefined
  const [start, count] = partial
  const isValid = partial.length === 2 && Number.isSafeInteger(start) && Number.isSafeInteger(count) && (count ?? 0) > 0
  if (!isValid) throw new BadCommand('a partial has a start and a length above 0')
  return [start as number, count as number]
}
