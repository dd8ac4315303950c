import type { PeerStream } from '../connection/connection.js'
import { endLine, type ItemLine, parseObject, type Subject } from './messages.js'
import { remoteError } from './remote-error.js'
import { readMessage, readMessageWithin } from './request-lines.js'
import { isItems, type MessageSchema, type StandardSchemaV1, validated } from './schema.js'

/** Whether a value is sent item by item. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  if (typeof value !== 'object' || value === null) return false
  return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function'
}

/** The items of a message: of an async iterable, and of any iterable if the schema says so. `undefined`: it is one value. */
export function itemsOf(value: unknown, schema: MessageSchema | undefined): AsyncIterable<unknown> | undefined {
  const items = schema === undefined ? undefined : isItems(schema)
  if (items === false) return undefined
  if (isAsyncIterable(value)) return value
  return items === true && isIterable(value) ? asyncOf(value) : undefined
}

function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return false
  return typeof (value as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function'
}

async function* asyncOf(items: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* items
}

/** How items are sent. */
export interface SendOptions {
  /** Line before the first item. */
  readonly first: string
  readonly lineOfItem: (item: unknown) => string | Promise<string>
  /** Line that tells the receiver why the items end. */
  readonly lineOfError: (error: unknown) => string
}

/**
 * Sends each item as a line, then the end, at the receiver's pace. Resolves early if the receiver stops reading or leaves; the source is
 * then left, as by `break`.
 *
 * Rejects with what the source or `lineOfItem` threw, once the receiver was told.
 */
export async function sendItems(
  stream: PeerStream,
  source: AsyncIterable<unknown>,
  { first, lineOfItem, lineOfError }: SendOptions
): Promise<void> {
  const receiver = new Receiver(stream)
  let iterator: AsyncIterator<unknown> | undefined
  try {
    iterator = source[Symbol.asyncIterator]()
    let takes = await receiver.takes(stream.write(first))
    while (takes) {
      const step = await receiver.orStep(iterator)
      if (step === undefined) break
      if (step.done === true) {
        await receiver.takes(stream.finish(endLine))
        return
      }
      takes = await receiver.takes(stream.write(await lineOfItem(step.value)))
    }
    leave(iterator)
  } catch (error) {
    leave(iterator)
    await receiver.takes(stream.finish(lineOfError(error)))
    throw error
  }
}

/** Leaves a source without waiting: it may be busy with its next item. */
function leave(iterator: AsyncIterator<unknown> | undefined): void {
  try {
    iterator?.return?.().then(undefined, () => {})
  } catch {
    // Its items are of no use any more, and neither is its failure.
  }
}

/** The other side of a stream of items: whether it still takes them. */
class Receiver {
  #left = false
  #onLeft: (() => void) | undefined

  constructor(stream: PeerStream) {
    stream.closed.catch(() => {
      this.#left = true
      this.#onLeft?.()
    })
  }

  /** The source's next step; `undefined` once the receiver has left, even if the source takes its time. */
  orStep(iterator: AsyncIterator<unknown>): Promise<IteratorResult<unknown> | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#left) return resolve(undefined)
      this.#onLeft = () => resolve(undefined)
      Promise.resolve(iterator.next()).then(resolve, reject)
    })
  }

  /** Whether the receiver took it. A write fails only if the receiver has left. */
  async takes(written: Promise<void>): Promise<boolean> {
    try {
      await written
      return true
    } catch {
      return false
    }
  }
}

/** How items are received. */
export interface ReceiveOptions {
  readonly maxBytes: number
  readonly schema: StandardSchemaV1 | undefined
  readonly about: Subject
  readonly reserve?: ((bytes: number) => void) | undefined
  /** Maps a failure of the stream. */
  readonly errorOf: (error: unknown) => unknown
  /** Called once: after the last item, an error, or when the loop is left. `left`: before the end. */
  readonly ended: (left: boolean) => void
}

/** Items from the other side, in order. Leaving the loop tells the sender to stop. */
export class ReceivedItems implements AsyncIterableIterator<unknown, undefined>, AsyncDisposable {
  readonly #stream: PeerStream
  readonly #options: ReceiveOptions
  #ended = false
  // Several calls of `next` may be pending: they take turns.
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stream: PeerStream, options: ReceiveOptions) {
    this.#stream = stream
    this.#options = options
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const step = this.#turn.then(() => this.#next())
    this.#turn = step.catch(() => {})
    return step
  }

  async #next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#hasEnded()) return { done: true, value: undefined }
    const { maxBytes, schema, about, reserve, errorOf } = this.#options
    try {
      const line = parseObject<ItemLine>(await this.#line(maxBytes, reserve), 'item', about)
      if (line.error !== undefined) throw remoteError(line.error, undefined, undefined, about)
      if (line.end === true) {
        this.#end(false)
        return { done: true, value: undefined }
      }
      const { item } = line
      return { done: false, value: schema === undefined ? item : await validated(schema, item, 'an item', about) }
    } catch (error) {
      // Returned during the read, which has therefore failed.
      if (this.#hasEnded()) return { done: true, value: undefined }
      this.#end(true)
      throw errorOf(error)
    }
  }

  #line(maxBytes: number, reserve: ReceiveOptions['reserve']): Promise<string> {
    if (reserve === undefined) return readMessage(this.#stream, maxBytes)
    return readMessageWithin(this.#stream, maxBytes, reserve)
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#end(true)
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(true)
  }

  #hasEnded(): boolean {
    return this.#ended
  }

  #end(left: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#options.ended(left)
  }
}
