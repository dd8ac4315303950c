import { findBody, type HeaderField, parseHeader } from '../mime/headers.js'
import { findPart, type Part, parseStructure } from '../mime/structure.js'
import type { MessageContent } from '../store/content.js'
import type { MessageRow } from '../store/message-index.js'
import { openMessage } from '../store/messages.js'
import type { ByteBudget } from './budget.js'
import type { Section } from './fetch-items.js'
import type { View } from './view.js'

/** Initial read size for finding the end of a header, in bytes. Each further read is four times as large. */
const headerBytes = 16 * 1024

/** Maximum part fields that are cached with a structure, in bytes. Larger structures are parsed again each time. */
const maxKeptBytes = 1024 * 1024

/** Bytes of a section: in the file, or derived from it. */
export type SectionBytes = { readonly start: number; readonly end: number } | Buffer

/**
 * Calls a function with an open message. Resolves to `undefined` if the message was removed. A message with corrected line ends is held in
 * memory, so it waits for the memory budget first.
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

/** An open message. Reads only the required bytes. */
export class MessageReader {
  readonly #content: MessageContent
  readonly #view: View
  readonly #uid: number
  /** Memory budget for the whole message; `undefined` if it is already in memory. */
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

  /** The header, including the empty line. */
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

  /** The content of a section; `undefined` if the message has no such part. */
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

  /** Reads at most the first `max` bytes of a part's body. */
  async bodyOf(part: Part, max: number): Promise<Buffer> {
    return await this.#content.read(part.body, Math.min(part.end, part.body + max))
  }

  async #fields(start: number, end: number, which: FieldsOf, names: readonly string[]): Promise<Buffer> {
    return chooseFields(await this.#content.read(start, end), which, names)
  }
}

type FieldsOf = NonNullable<Section['text']>

/** The content of a header section. */
export function headerSection(header: Buffer, { text, fields }: Section): Buffer {
  return text === undefined || text === 'HEADER' ? header : chooseFields(header, text, fields)
}

/** The listed fields of a header, or all others, with the empty line. */
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
