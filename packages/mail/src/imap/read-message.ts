import { findBody, type HeaderField, parseHeader } from '../mime/headers.js'
import { findPart, type Part, parseStructure } from '../mime/structure.js'
import type { MessageContent } from '../store/content.js'
import type { MessageRow } from '../store/message-index.js'
import { openMessage } from '../store/messages.js'
import type { ByteBudget } from './budget.js'
import type { Section } from './fetch-items.js'
import type { View } from './view.js'

/** First piece in which the end of a header is looked for, in bytes. The next is four times as large. */
const headerBytes = 16 * 1024

/** Fields of a message's parts that are kept with its structure, in bytes. A larger structure is read again each time. */
const maxKeptBytes = 1024 * 1024

/** Bytes that a section names: in the file, or made of it. */
export type SectionBytes = { readonly start: number; readonly end: number } | Buffer

/**
 * Works on a message whose file is open. Resolves to `undefined` if the message is gone. A message whose line ends are corrected is in memory as
 * a whole, so it waits for room first.
 */
export async function withMessage<Result>(
  view: View,
  row: MessageRow,
  budget: ByteBudget,
  work: (reader: MessageReader) => Promise<Result>
): Promise<Result | undefined> {
  const open = async (room: ByteBudget | undefined) => {
    await using content = await openMessage(view.store, view.mailbox, row.uid)
    return content && (await work(new MessageReader(content, view, row.uid, room)))
  }
  return row.bare_lf === 1 ? await budget.run(2 * row.size, () => open(undefined)) : await open(budget)
}

/** A message whose file is open. Reads no more of it than what is asked for needs. */
export class MessageReader {
  readonly #content: MessageContent
  readonly #view: View
  readonly #uid: number
  /** Where room for the whole message is taken; `undefined` if it is in memory. */
  readonly #budget: ByteBudget | undefined
  #header: Buffer | undefined
  #structure: Part | undefined

  constructor(content: MessageContent, view: View, uid: number, budget: ByteBudget | undefined) {
    this.#content = content
    this.#view = view
    this.#uid = uid
    this.#budget = budget
  }

  /** The fields of the header. */
  async fields(): Promise<HeaderField[]> {
    const header = await this.header()
    return parseHeader(header, 0, header.length)
  }

  /** The header, with the empty line behind it. */
  async header(): Promise<Buffer> {
    for (let length = headerBytes; !this.#header; length *= 4) {
      const bytes = await this.#content.read(0, Math.min(length, this.#content.bytes))
      const body = findBody(bytes, 0, bytes.length)
      if (body < bytes.length || length >= this.#content.bytes) this.#header = bytes.subarray(0, body)
    }
    return this.#header
  }

  /** The parts of the message. */
  async structure(): Promise<Part> {
    this.#structure ??= this.#view.structure(this.#uid)
    if (this.#structure) return this.#structure
    const parse = async () => parseStructure(await this.#content.read())
    this.#structure = this.#budget ? await this.#budget.run(this.#content.bytes, parse) : await parse()
    if (sizeOf(this.#structure) <= maxKeptBytes) this.#view.keepStructure(this.#uid, this.#structure)
    return this.#structure
  }

  /** What a section names; `undefined` if the message has no such part. */
  async section({ path, text, fields }: Section): Promise<SectionBytes | undefined> {
    const { bytes } = this.#content
    if (path.length === 0) {
      if (text === undefined) return { start: 0, end: bytes }
      const body = (await this.header()).length
      if (text === 'TEXT') return { start: body, end: bytes }
      return text === 'HEADER' ? { start: 0, end: body } : await this.#fields(0, body, text, fields)
    }
    const part = findPart(await this.structure(), path)
    if (!part) return undefined
    if (text === undefined) return { start: part.body, end: part.end }
    if (text === 'MIME') return { start: part.start, end: part.body }
    const { message } = part
    if (!message) return undefined
    if (text === 'TEXT') return { start: message.body, end: message.end }
    const range = { start: message.start, end: message.body }
    return text === 'HEADER' ? range : await this.#fields(range.start, range.end, text, fields)
  }

  /** Reads a range of the message in chunks. */
  chunks(start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
    return this.#content.chunks(start, end)
  }

  /** Reads the body of a part, if it has at most `max` bytes; its first `max` otherwise. */
  async bodyOf(part: Part, max: number): Promise<Buffer> {
    return await this.#content.read(part.body, Math.min(part.end, part.body + max))
  }

  async #fields(start: number, end: number, which: FieldsOf, names: readonly string[]): Promise<Buffer> {
    return chooseFields(await this.#content.read(start, end), which, names)
  }
}

type FieldsOf = NonNullable<Section['text']>

/** What a section names of a message's header. */
export function headerSection(header: Buffer, { text, fields }: Section): Buffer {
  return text === undefined || text === 'HEADER' ? header : chooseFields(header, text, fields)
}

/** The fields of a header that are, or are not, named, with an empty line behind them. */
function chooseFields(header: Buffer, which: FieldsOf, names: readonly string[]): Buffer {
  const wanted = new Set(names)
  const chosen = parseHeader(header, 0, header.length).filter(
    ({ name }) => wanted.has(name) === (which === 'HEADER.FIELDS')
  )
  return Buffer.concat([...chosen.map(field => header.subarray(field.start, field.end)), Buffer.from('\r\n')])
}

function sizeOf(part: Part): number {
  const own = part.fields.reduce((sum, { value }) => sum + value.length + 100, 0)
  const inner = [...part.parts, ...(part.message ? [part.message] : [])]
  return inner.reduce((sum, inside) => sum + sizeOf(inside), own)
}
