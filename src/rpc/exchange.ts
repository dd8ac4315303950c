import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, type FastnNetErrorOptions, isFastnNetError } from '../errors.js'
import { offAbort, onAbort } from '../util/abort.js'
import { addDeadline, type Expiring, removeDeadline } from '../util/deadlines.js'
import { throwIfAborted } from '../util/validate.js'
import type { ResolvedCall } from './call-options.js'
import { inTime, noAnswer, untilAborted } from './call-wait.js'
import { itemsOf, ReceivedItems, type SendOptions, sendItems } from './items.js'
import { type AnswerLine, lineOf, parseJson, parseObject, perhapsListen } from './messages.js'
import { errorLine, looksLikeError, remoteError } from './remote-error.js'
import { abandon, contextOf, isStopped, isTagged, maxBytesOn, readMessage } from './request-lines.js'
import type { StandardSchemaV1 } from './schema.js'
import { isItems, itemSchemaOf, validated } from './validation.js'

/** The caller's side of one request and its answer, on one stream. */
export class Exchange implements Expiring {
  readonly #stream: PeerStream
  readonly #input: unknown
  readonly #options: ResolvedCall
  readonly #tagged: boolean
  readonly #maxBytes: number
  /** When the answer must have begun. */
  readonly expiresAt: number
  #onAbort: (() => void) | undefined
  // Why this side gave up: what the caller sees in place of the stream's error.
  #reason: { readonly error: unknown } | undefined
  #isSending = false

  constructor(stream: PeerStream, input: unknown, options: ResolvedCall, expiresAt: number) {
    this.#stream = stream
    this.#input = input
    this.#options = options
    this.expiresAt = expiresAt
    this.#tagged = isTagged(stream)
    this.#maxBytes = maxBytesOn(this.#tagged, options.maxBytes)
  }

  /** The answer, or its items. */
  async answer(): Promise<unknown> {
    const stream = this.#stream
    addDeadline(this)
    const { signal } = this.#options
    if (signal !== undefined) {
      this.#onAbort = () => this.#giveUp(signal.reason)
      onAbort(signal, this.#onAbort)
    }
    try {
      // It may have aborted since the stream opened, before anything listened.
      throwIfAborted(signal)
      if (performance.now() >= this.expiresAt) throw this.#expired()
      const { inputSchema, schema } = this.#options
      const items = itemsOf(this.#input, inputSchema)
      if (!this.#tagged && (items !== undefined || (schema !== undefined && isItems(schema)))) throw this.#noItems()
      if (items !== undefined) this.#sendItems(items)
      else await this.#send(this.#input)
      const text = await readMessage(stream, this.#maxBytes, perhapsListen)
      removeDeadline(this)
      const answer = this.#tagged ? this.#taggedAnswer(text) : this.#bareAnswer(text)
      return answer instanceof Promise ? await answer : answer
    } catch (error) {
      this.#leave()
      throw this.#errorOf(error)
    }
  }

  /** The answer must begin now. */
  expire(): void {
    this.#giveUp(this.#expired())
  }

  #expired(): FastnNetError {
    return noAnswer(this.#options, this.context)
  }

  /** Context of errors. */
  get context(): FastnNetErrorOptions {
    return contextOf(this.#stream, 'call')
  }

  async #send(input: unknown): Promise<void> {
    const message = this.#tagged ? { timeout: this.#timeLeft(), input } : input
    const line = lineOf(message, input, 'input', this.#maxBytes, this)
    try {
      await this.#stream.finish(line)
    } catch (error) {
      // The peer needs no more of it: its answer says why.
      if (!isStopped(error)) throw error
    }
  }

  /** Sends the items beside the answer, which may begin before the last one. */
  #sendItems(input: AsyncIterable<unknown>): void {
    const schema = itemSchemaOf(this.#options.inputSchema)
    const wait = untilAborted(this.#options.signal)
    const options: SendOptions = {
      first: lineOf({ timeout: this.#timeLeft(), stream: true }, undefined, 'request', this.#maxBytes, this),
      about: this,
      lineOfItem: item => {
        const line = () => lineOf({ item }, item, 'item', this.#maxBytes, this)
        return schema === undefined ? line() : validated(schema, item, 'an item', this, wait).then(line)
      },
      lineOfError: error => errorLine(error, { withStack: false, tagged: true, maxBytes: this.#maxBytes })
    }
    this.#isSending = true
    sendItems(this.#stream, input, options).then(
      () => {
        this.#isSending = false
      },
      (error: unknown) => {
        this.#isSending = false
        this.#reason ??= { error }
        // Not a reset: the peer is still told why.
        this.#stream.stop()
      }
    )
  }

  #noItems(): FastnNetError {
    const message = 'the peer speaks the older protocol, which has no streams of items: send and expect one value'
    return new FastnNetError('ERR_PROTOCOL_UNSUPPORTED', message, this.context)
  }

  /** For the request line: absent without a limit, which JSON cannot say. */
  #timeLeft(): number | undefined {
    if (this.expiresAt === Number.POSITIVE_INFINITY) return undefined
    return Math.ceil(Math.max(this.expiresAt - performance.now(), 0))
  }

  #taggedAnswer(text: string): unknown {
    const line = parseObject<AnswerLine>(text, 'answer', this)
    const { schema } = this.#options
    const isStream = line.error === undefined && line.stream === true
    if (isStream && (schema === undefined || isItems(schema))) return this.#items()
    this.#settle()
    if (line.error !== undefined) throw remoteError(line.error, line.message, line.issues, this)
    if (isStream)
      throw new FastnNetError('ERR_SCHEMA', "the peer's answer is a stream of items, not one value", this.context)
    // `{}` is the answer of a handler that returned undefined.
    if (line.ok === undefined && Object.keys(line).length > 0)
      throw new FastnNetError(
        'ERR_JSON',
        `the peer's answer has neither 'ok' nor 'error'${perhapsListen}`,
        this.context
      )
    if (schema === undefined) return line.ok
    if (!isItems(schema)) return this.#checked(schema, line.ok)
    throw new FastnNetError('ERR_SCHEMA', "the peer's answer is one value, not a stream of items", this.context)
  }

  #bareAnswer(text: string): unknown {
    const answer = parseJson(text, 'answer', this)
    this.#settle()
    const { schema } = this.#options
    if (schema === undefined || isItems(schema)) return answer
    return this.#checked(schema, answer).catch((error: unknown) => {
      // Success and error have no tag: what is no success and looks like an error is one.
      if (!isFastnNetError(error, 'ERR_SCHEMA') || !looksLikeError(answer)) throw error
      throw remoteError(answer, undefined, undefined, this)
    })
  }

  #checked(schema: StandardSchemaV1, answer: unknown): Promise<unknown> {
    const what = 'the answer'
    return validated(schema, answer, what, this, inTime(this.#options, this.expiresAt, what, this.context))
  }

  #items(): ReceivedItems {
    return new ReceivedItems(this.#stream, {
      maxBytes: this.#maxBytes,
      schema: itemSchemaOf(this.#options.schema),
      about: this,
      wait: untilAborted(this.#options.signal),
      errorOf: error => this.#errorOf(error),
      ended: left => (left ? this.#leave() : this.#settle()),
      dropped: () => this.#leave()
    })
  }

  /** The rest of the answer is of no use. */
  #leave(): void {
    this.#end()
    abandon(this.#stream)
  }

  /** The whole answer is here. */
  #settle(): void {
    this.#end()
    if (this.#isSending) this.#stream.reset()
    // Anything after the answer is ignored.
    this.#stream.stop()
  }

  #end(): void {
    removeDeadline(this)
    const { signal } = this.#options
    if (signal !== undefined && this.#onAbort !== undefined) offAbort(signal, this.#onAbort)
  }

  #giveUp(error: unknown): void {
    this.#reason ??= { error }
    abandon(this.#stream)
  }

  #errorOf(error: unknown): unknown {
    return this.#reason === undefined ? error : this.#reason.error
  }
}
