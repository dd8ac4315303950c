import { decodeBody, decodeHeader } from '../mime/decode.js'
import { fieldValue, type HeaderField } from '../mime/headers.js'
import { parameterOf } from '../mime/parameters.js'
import type { Part } from '../mime/structure.js'
import { namesOf } from '../store/flags.js'
import type { MessageRow } from '../store/message-index.js'
import type { ByteBudget } from './budget.js'
import { type MessageReader, withMessage } from './read-message.js'
import type { SearchKey } from './search-keys.js'
import { mergeRanges, sequenceNumbers } from './sets.js'
import type { View } from './view.js'

/** Maximum searched bytes of a part. */
const maxSearchedBytes = 4 * 1024 * 1024

/**
 * Sorts the sets of a condition, for {@link matchesKey}. Throws `BadCommand` for invalid sequence numbers, except in an empty mailbox: clients
 * search `1:*` without checking the number of messages, and other servers then return nothing.
 */
export function resolveSets(view: View, key: SearchKey): SearchKey {
  if (key.kind === 'not') return { ...key, key: resolveSets(view, key.key) }
  if (key.kind === 'and' || key.kind === 'or') return { ...key, keys: key.keys.map(inner => resolveSets(view, inner)) }
  if (key.kind !== 'set') return key
  const { uids } = view
  if (uids.length === 0) return { ...key, ranges: [] }
  return {
    ...key,
    ranges: key.isUid ? mergeRanges(key.ranges, uids.at(-1) ?? 1) : sequenceNumbers(key.ranges, uids.length)
  }
}

/** Whether a message matches a condition. Opens its file only if necessary. */
export async function matchesKey(view: View, row: MessageRow, key: SearchKey, budget: ByteBudget): Promise<boolean> {
  const byIndex = matchesIndex(view, row, key)
  if (byIndex !== undefined) return byIndex
  const matched = await withMessage(view, row, budget, reader => matchesText(view, row, key, new Texts(reader)))
  return matched ?? false
}

/** The result from the index; `undefined` if the message must be read. */
function matchesIndex(view: View, row: MessageRow, key: SearchKey): boolean | undefined {
  switch (key.kind) {
    case 'all':
      return true
    case 'recent':
      return view.recent.has(row.uid)
    case 'old':
      return !view.recent.has(row.uid)
    case 'flag':
      return namesOf(row).some(name => name.toLowerCase() === key.flag) === key.isSet
    case 'size':
      return row.size >= key.least && row.size <= key.most
    case 'received':
      return row.received >= key.least && row.received <= key.most
    case 'modseq':
      return row.modseq >= key.least
    case 'set':
      return isInSet(view, row, key)
    case 'not': {
      const inner = matchesIndex(view, row, key.key)
      return inner === undefined ? undefined : !inner
    }
    case 'and':
    case 'or': {
      const answers = key.keys.map(inner => matchesIndex(view, row, inner))
      const decides = key.kind === 'or'
      if (answers.includes(decides)) return decides
      return answers.includes(undefined) ? undefined : !decides
    }
    default:
      return undefined
  }
}

function isInSet(view: View, row: MessageRow, { ranges, isUid }: SearchKey & { kind: 'set' }): boolean {
  const number = isUid ? row.uid : view.numberOf(row.uid)
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle]?.[1] ?? 0) < number) low = middle + 1
    else high = middle
  }
  return (ranges[low]?.[0] ?? Number.POSITIVE_INFINITY) <= number
}

async function matchesText(view: View, row: MessageRow, key: SearchKey, texts: Texts): Promise<boolean> {
  switch (key.kind) {
    case 'sent': {
      const date = await texts.sentOn()
      return date >= key.least && date <= key.most
    }
    case 'header':
      return await texts.hasHeader(key.name, key.text)
    case 'body':
      return await texts.hasBody(key.text)
    case 'text':
      return (await texts.hasAnyHeader(key.text)) || (await texts.hasBody(key.text))
    case 'not':
      return !(await matchesText(view, row, key.key, texts))
    case 'and':
      for (const inner of key.keys) if (!(await matchesText(view, row, inner, texts))) return false
      return true
    case 'or':
      for (const inner of key.keys) if (await matchesText(view, row, inner, texts)) return true
      return false
    default:
      return matchesIndex(view, row, key) ?? false
  }
}

/** The decoded texts of a message, cached. */
class Texts {
  readonly #reader: MessageReader
  #fields: HeaderField[] | undefined

  constructor(reader: MessageReader) {
    this.#reader = reader
  }

  async #allFields(): Promise<HeaderField[]> {
    this.#fields ??= await this.#reader.fields()
    return this.#fields
  }

  /** The literal day of the Date field, because SENTON ignores time and zone. 1970 without one. */
  async sentOn(): Promise<number> {
    const value = fieldValue(await this.#allFields(), 'date') ?? ''
    const found = /(\d{1,2})\s+([A-Za-z]{3})[A-Za-z]*\s+(\d{4})/.exec(value.slice(0, 200))
    const day = found ? Date.parse(`${found[1]} ${found[2]} ${found[3]} 00:00:00 GMT`) : Number.NaN
    return Number.isNaN(day) ? 0 : day
  }

  async hasHeader(name: string, text: string): Promise<boolean> {
    const fields = (await this.#allFields()).filter(field => field.name === name)
    return fields.some(({ value }) => decodeHeader(value).toLowerCase().includes(text))
  }

  async hasAnyHeader(text: string): Promise<boolean> {
    return hasField(await this.#allFields(), text)
  }

  async hasBody(text: string): Promise<boolean> {
    return await this.#hasPart(await this.#reader.structure(), text)
  }

  async #hasPart(part: Part, text: string): Promise<boolean> {
    // Headers of parts and nested messages belong to the body.
    for (const inside of part.message ? [part.message] : part.parts) {
      if (hasField(inside.fields, text) || (await this.#hasPart(inside, text))) return true
    }
    if (part.parts.length > 0 || part.message) return false
    if (part.type !== 'text') return false
    const bytes = await this.#reader.bodyOf(part, maxSearchedBytes)
    const encoding = fieldValue(part.fields, 'content-transfer-encoding') ?? ''
    const charset = parameterOf(part.contentType, 'charset') ?? 'utf-8'
    return decodeBody(bytes, encoding, charset).toLowerCase().includes(text)
  }
}

function hasField(fields: readonly HeaderField[], text: string): boolean {
  return fields.some(({ name, value }) => `${name}: ${decodeHeader(value)}`.toLowerCase().includes(text))
}
