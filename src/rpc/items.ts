import { readerOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError } from '../errors.js'
import { kindOf } from '../util/validate.js'
import { endLine, type ItemLine, parseObject, type Subject } from './messages.js'
import { remoteError } from './remote-error.js'
import { type ReadLine, readMessage, readMessageWithin } from './request-lines.js'
import type { MessageSchema, StandardSchemaV1 } from './schema.js'
import { isItems, validated, type Wait } from './validation.js'

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
  readonly about: Subject
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
  { first, about, lineOfItem, lineOfError }: SendOptions
): Promise<void> {
  const receiver = new Receiver(stream)
  let iterator: AsyncIterator<unknown> | undefined
  try {
    const from = source[Symbol.asyncIterator]()
    iterator = from
    let takes = await receiver.takes(stream.write(first))
    while (takes) {
      const step = await receiver.unlessLeft(() => from.next())
      if (step === left) break
      checkStep(step, about)
      if (step.done === true) {
        await receiver.takes(stream.finish(endLine))
        return
      }
      const line = lineOfItem(step.value)
      const told = typeof line === 'string' ? line : await receiver.unlessLeft(() => line)
      if (told === left) break
      takes = await receiver.takes(stream.write(told))
    }
    leave(iterator)
  } catch (error) {
    leave(iterator)
    await receiver.takes(stream.finish(lineOfError(error)))
    throw error
  }
}

function checkStep(step: unknown, { context }: Subject): void {
  if (typeof step === 'object' && step !== null) return
  const message = `next() of the iterable gave ${kindOf(step)}, not { value, done }`
  throw new FastnNetError('ERR_INVALID_ARGUMENT', message, context)
}

/** Leaves a source without waiting: it may be busy with its next item. */
function leave(iterator: AsyncIterator<unknown> | undefined): void {
  try {
    iterator?.return?.().then(undefined, () => {})
  } catch {
    // Its items and its failure are no longer needed.
  }
}

/** In place of a result, once the receiver has left. */
const left = Symbol('left')

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

  /** The result of the source's work, or {@link left} once the receiver has left, even if the work takes its time. */
  unlessLeft<Value>(work: () => PromiseLike<Value>): Promise<Value | typeof left> {
    return new Promise((resolve, reject) => {
      if (this.#left) return resolve(left)
      this.#onLeft = () => resolve(left)
      Promise.resolve(work()).then(resolve, reject)
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
  /** Waits for a schema. */
  readonly wait: Wait
  readonly reserve?: ((bytes: number) => void) | undefined
  /** Called with the text of each item before it is parsed. Throws where there is no room. */
  readonly reserveParsed?: ((text: string) => void) | undefined
  /** Maps a failure of the stream. */
  readonly errorOf: (error: unknown) => unknown
  /** Called once: after the last item, an error, or when the loop is left. `left`: before the end. */
  readonly ended: (left: boolean) => void
  /** Called instead if the items are garbage-collected before. Must not refer to them. */
  readonly dropped?: (() => void) | undefined
}

/** Answers that were garbage-collected before their end. A caller's signal would keep their streams open as long as it lives. */
const droppedItems = new FinalizationRegistry<() => void>(dropped => dropped())

/** Items from the other side, in order. Leaving the loop tells the sender to stop. See {@link Items}. */
export class ReceivedItems implements AsyncIterableIterator<unknown, undefined>, AsyncDisposable {
  readonly #stream: PeerStream
  readonly #options: ReceiveOptions
  #ended = false
  /** `return` was called: what has not arrived is not waited for. */
  #left = false
  #onEnd: (() => void) | undefined
  // Several calls of `next` may be pending: they take turns.
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stream: PeerStream, options: ReceiveOptions) {
    this.#stream = stream
    this.#options = options
    if (options.dropped !== undefined) droppedItems.register(this, options.dropped, this)
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#left) return Promise.resolve({ done: true, value: undefined })
    const step = this.#turn.then(() => this.#next())
    this.#turn = step.catch(() => {})
    return step
  }

  async #next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#hasEnded()) return { done: true, value: undefined }
    const { maxBytes, schema, about, reserve, reserveParsed, errorOf } = this.#options
    try {
      const text = await this.#line(maxBytes, reserve)
      reserveParsed?.(text)
      const line = parseObject<ItemLine>(text, 'item', about)
      if (line.error !== undefined) throw remoteError(line.error, undefined, undefined, about)
      if (line.end === true) {
        this.#end(false)
        return { done: true, value: undefined }
      }
      const { item } = line
      return {
        done: false,
        value: schema === undefined ? item : await validated(schema, item, 'an item', about, this.#wait)
      }
    } catch (error) {
      this.#end(true)
      // Returned during the read or the check, which has therefore failed.
      if (this.#hasLeft()) return { done: true, value: undefined }
      throw errorOf(error)
    }
  }

  /** Waits for a schema until the loop is left. */
  readonly #wait: Wait = work =>
    new Promise((resolve, reject) => {
      this.#onEnd = () => reject()
      if (this.#left) reject()
      this.#options.wait(work).then(resolve, reject)
    })

  #line(maxBytes: number, reserve: ReceiveOptions['reserve']): Promise<string> {
    if (reserve === undefined) return readMessage(this.#stream, maxBytes, '', this.#readLine)
    return readMessageWithin(this.#stream, maxBytes, reserve, this.#readLine)
  }

  readonly #readLine: ReadLine = maxBytes => {
    const reader = readerOf(this.#stream)
    const line = reader.lineOrLast(maxBytes, undefined, this)
    if (this.#left) reader.leave(this)
    return line
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#left = true
    this.#onEnd?.()
    readerOf(this.#stream).leave(this)
    // Pending steps take the items that have arrived.
    await this.#turn
    this.#end(true)
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #hasEnded(): boolean {
    return this.#ended
  }

  #hasLeft(): boolean {
    return this.#left
  }

  #end(left: boolean): void {
    if (this.#ended) return
    this.#ended = true
    droppedItems.unregister(this)
    this.#onEnd?.()
    this.#options.ended(left)
  }
}
