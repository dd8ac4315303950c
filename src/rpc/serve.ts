import { type CodeClass, codeClasses } from '../code-classes.js'
import type { PeerStream } from '../connection/connection.js'
import { isExpectedEnd } from '../connection/expected-end.js'
import { type FastnNetError, type FastnNetErrorOptions, isFastnNetError } from '../errors.js'
import { describeProtocol } from '../stream/protocol.js'
import { watched } from '../util/diagnostics.js'
import { isThenable } from '../util/thenable.js'
import { abortable } from '../util/timeout.js'
import { warnOnce } from '../util/warn.js'
import { itemsOf, ReceivedItems, sendItems } from './items.js'
import {
  lineOf,
  parseJson,
  parseObject,
  type RequestLine,
  type RequestRefusal,
  refusalLine,
  streamLine
} from './messages.js'
import { parsedSize, unmeasured } from './parsed-size.js'
import { codeOfRequestRefusal, errorLine } from './remote-error.js'
import { HandlerContext, type RequestContext } from './request-context.js'
import { type PeerLoad, PeerLoads } from './request-limits.js'
import { contextOf, isTagged, maxBytesOn, readMessageWithin } from './request-lines.js'
import type { RequestMessage } from './request-message.js'
import type { MethodSchemas, ResolvedServe } from './serve-options.js'
import { isItems, itemSchemaOf, validated, type Wait } from './validation.js'

/** A method of a service, whatever its types. */
export type AnyHandler = (input: unknown, context: RequestContext) => unknown

/** A method that is served. */
export interface ServedMethod extends MethodSchemas {
  readonly handler: AnyHandler
}

/** State that all requests of one server share. */
export interface Server {
  /** ID52 of the endpoint. */
  readonly endpoint: string
  readonly options: ResolvedServe
  readonly loads: PeerLoads
}

/** A server on the endpoint with this ID52. */
export function serverOf(endpoint: string, options: ResolvedServe): Server {
  return { endpoint, options, loads: new PeerLoads(options) }
}

/** Handles the streams of one method. Failures are answered; the result rejects for a mistake of this library only. */
export function streamHandler(server: Server, method: ServedMethod): (stream: PeerStream) => Promise<void> {
  const { loads } = server
  return async stream => {
    const request = new ServedRequest(server, method, stream)
    const load = loads.admit(stream.remoteId52)
    if (load === undefined) return await request.refuse('busy', loads.tooMany)
    try {
      await request.serve(load)
    } finally {
      loads.release(stream.remoteId52, load, request.reserved)
    }
  }
}

/** In place of an input, if the request has been refused. */
const refused = Symbol('refused')

/** One request and its answer. */
class ServedRequest {
  readonly #server: Server
  readonly #method: ServedMethod
  readonly #stream: PeerStream
  #load: PeerLoad | undefined
  readonly #tagged: boolean
  readonly #maxBytes: number
  /** Bytes of memory reserved for long messages. */
  reserved = 0

  constructor(server: Server, method: ServedMethod, stream: PeerStream) {
    this.#server = server
    this.#method = method
    this.#stream = stream
    this.#tagged = isTagged(stream)
    this.#maxBytes = maxBytesOn(this.#tagged, server.options.maxBytes)
  }

  /** Context of errors. */
  get context(): FastnNetErrorOptions {
    return contextOf(this.#stream, 'serve')
  }

  async serve(load: PeerLoad): Promise<void> {
    this.#load = load
    let line: RequestLine
    try {
      const text = await readMessageWithin(this.#stream, this.#maxBytes, this.#reserve)
      this.#reserveParsed(text)
      line = this.#parse(text)
    } catch (error) {
      // Else the caller has left.
      const refusal = isFastnNetError(error) ? refusalOf(error) : undefined
      return refusal === undefined ? undefined : await this.refuse(refusal, (error as FastnNetError).message)
    }
    const context = new HandlerContext(this.#stream, line.timeout)
    try {
      let result: unknown
      try {
        const plain = this.#method.input === undefined && line.stream !== true
        const input = plain ? line.input : await this.#input(line)
        if (input === refused) return
        result = this.#handle(input, context)
        if (isThenable(result)) result = await result
      } catch (error) {
        return await this.#fail(error, context)
      }
      await this.#answer(result, context)
    } finally {
      context.end()
    }
  }

  #parse(text: string): RequestLine {
    return this.#tagged ? parseObject<RequestLine>(text, 'request', this) : { input: parseJson(text, 'request', this) }
  }

  readonly #reserve = (bytes: number) => {
    if (bytes <= this.reserved) return
    this.#load?.reserve(bytes - this.reserved)
    this.reserved = bytes
  }

  /** Reserves memory for a message before it is parsed. */
  readonly #reserveParsed = (text: string) => {
    if (text.length <= unmeasured) return
    const bytes = parsedSize(text)
    this.#load?.checkSize(bytes)
    this.#reserve(bytes)
  }

  /** Waits for a schema until the caller has left. */
  readonly #wait: Wait = work => abortable(work, this.#stream.signal)

  /** The input as the handler gets it, or {@link refused}. */
  async #input({ stream, input }: RequestLine): Promise<unknown> {
    const schema = this.#method.input
    const given = stream === true
    if (schema !== undefined && isItems(schema) !== given) {
      await this.refuse('unsupported', given ? 'the input must be one value' : 'the input must be a stream of items')
      return refused
    }
    if (given) return this.#items()
    if (schema === undefined || isItems(schema)) return input
    try {
      return await validated(schema, input, 'the input', this, this.#wait)
    } catch (error) {
      if (!isFastnNetError(error, 'ERR_SCHEMA')) throw error
      await this.refuse('schema', error.message, error.issues)
      return refused
    }
  }

  #items(): ReceivedItems {
    return new ReceivedItems(this.#stream, {
      maxBytes: this.#maxBytes,
      schema: itemSchemaOf(this.#method.input),
      about: this,
      wait: this.#wait,
      reserve: this.#reserve,
      reserveParsed: this.#reserveParsed,
      errorOf: error => error,
      ended: left => {
        if (left) this.#stream.stop()
      }
    })
  }

  #handle(input: unknown, context: HandlerContext): unknown {
    const traced = watched('request')
    const { handler } = this.#method
    if (traced === undefined) return handler(input, context)
    const { remoteId52: peer, protocol } = context
    const message: RequestMessage = { endpoint: this.#server.endpoint, peer, protocol, direction: 'in' }
    return traced.tracePromise(async () => handler(input, context), message)
  }

  async #answer(result: unknown, context: HandlerContext): Promise<void> {
    const { output } = this.#method
    const items = itemsOf(result, output)
    if (items !== undefined) return await this.#answerItems(items, context)
    let line: string
    try {
      if (output !== undefined && isItems(output)) throw new TypeError('the handler did not return an iterable')
      const value = output === undefined ? result : await validated(output, result, resultName, this, this.#wait)
      line = lineOf(this.#tagged ? { ok: value } : value, value, 'result', this.#maxBytes, this)
    } catch (error) {
      return await this.#fail(error, context)
    }
    await this.#finish(line)
  }

  async #answerItems(result: AsyncIterable<unknown>, context: HandlerContext): Promise<void> {
    if (!this.#tagged) return await this.refuse('unsupported', 'the older protocol has no streams of items')
    context.answering()
    const schema = itemSchemaOf(this.#method.output)
    const line = (item: unknown) => lineOf({ item }, item, 'item', this.#maxBytes, this)
    const lineOfItem = (item: unknown) =>
      schema === undefined ? line(item) : validated(schema, item, resultName, this, this.#wait).then(line)
    try {
      const lineOfError = (error: unknown) => this.#errorLine(error)
      await sendItems(this.#stream, result, { first: streamLine, about: this, lineOfItem, lineOfError })
    } catch (error) {
      await this.#report(error, context)
    }
  }

  /** Tells the caller that its request failed: the handler threw, or its result cannot be sent. */
  async #fail(error: unknown, context: HandlerContext): Promise<void> {
    await this.#finish(this.#errorLine(error))
    await this.#report(error, context)
  }

  #errorLine(error: unknown): string {
    const withStack = this.#server.options.stack
    return errorLine(error, { withStack, tagged: this.#tagged, maxBytes: this.#maxBytes })
  }

  async #report(error: unknown, context: HandlerContext): Promise<void> {
    if (context.isReason(error)) return
    const { onError } = this.#server.options
    try {
      if (onError !== undefined) await onError(error, context)
      else if (!isExpectedEnd(error, this.#stream)) warn(error, context)
    } catch (failure) {
      warn(failure, context)
    }
  }

  /** Refuses the request for a reason of the library. */
  async refuse(refusal: RequestRefusal, message: string, issues?: FastnNetError['issues']): Promise<void> {
    const line = this.#tagged
      ? refusalLine(refusal, message, issues)
      : `${JSON.stringify({ message, code: codeOfRequestRefusal(refusal), issues })}\n`
    await this.#finish(line)
  }

  /** Sends the last line. A write fails only if the caller has left, and then nothing needs to be told. */
  async #finish(line: string): Promise<void> {
    try {
      await this.#stream.finish(line)
    } catch {
      // See above.
    }
  }
}

const resultName = "the handler's result"

const refusalOfClass: { readonly [Class in CodeClass]?: RequestRefusal } = { data: 'invalid', unavailable: 'busy' }

/** The refusal of a request that cannot be read. `undefined` if its caller has left. */
function refusalOf({ code }: FastnNetError): RequestRefusal | undefined {
  if (code === 'ERR_LINE_TOO_LONG') return 'too-large'
  return refusalOfClass[codeClasses[code]]
}

function warn(error: unknown, context: RequestContext): void {
  const format = (message: string) =>
    `a request for ${describeProtocol(context.protocol)} failed: ${message}. Set the option onError of serve to see every failure`
  warnOnce(error, 'ERR_HANDLER', format)
}
