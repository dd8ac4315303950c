import { readerOf, stateOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { isExpectedEnd } from '../connection/expected-end.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { addDeadline, type Expiring, removeDeadline } from '../util/deadlines.js'
import { isThenable } from '../util/thenable.js'
import { warnOnce } from '../util/warn.js'
import { isClaim } from './claims.js'
import { BadMessage, encoded, type Field, type Framing } from './head.js'
import { http1 } from './http1.js'
import { jsonHead } from './json-head.js'
import { KeptStreams } from './kept-streams.js'
import type { HttpContext, ResolvedServeHttp } from './options.js'
import { ReceivedBody } from './receive-body.js'
import { Cancellation, receivedRequest } from './received-request.js'
import { urlOf } from './request-target.js'
import { isResponse, sourceOf } from './response-source.js'
import { sendBody, settlesSoon, startOf } from './send-body.js'
import type { RequestHead, Wire } from './wire.js'

export { prepareRequests } from './received-request.js'

const forbiddenMethods = new Set(['CONNECT', 'TRACE', 'TRACK'])
const withoutBody = new Set([204, 205, 304])
const peerHeader = 'fastn-peer'

/**
 * Answers the requests of one stream, one after the other. Rejects with the error that truncated an answer. `isOlder`: the stream uses the
 * protocol `Http` of older peers. `kept`: ends the stream after the current answer once its listener has stopped.
 */
export async function serveHttpStream(
  stream: PeerStream,
  options: ResolvedServeHttp,
  isOlder: boolean,
  kept: KeptStreams = new KeptStreams()
): Promise<void> {
  const server = new StreamServer(stream, options, isOlder ? jsonHead : http1, kept)
  if (!(await server.next())) return
  while (!kept.isStopped && (await server.nextOfKept()));
}

class StreamServer implements Expiring {
  readonly #stream: PeerStream
  readonly #options: ResolvedServeHttp
  readonly #context: HttpContext
  readonly #wire: Wire
  readonly #kept: KeptStreams
  /** Of the request in progress, until its answer begins. */
  #unanswered: Cancellation | undefined
  /** Of the request in progress. */
  #cancellation: Cancellation | undefined
  #isWatched = false
  #isStopped = false
  expiresAt = 0

  constructor(stream: PeerStream, options: ResolvedServeHttp, wire: Wire, kept: KeptStreams) {
    this.#wire = wire
    this.#kept = kept
    this.#stream = stream
    this.#options = options
    this.#context = Object.freeze({ peer: stream.remoteId52 })
  }

  /** Answers a further request of a stream. Resolves with whether another may follow. */
  async nextOfKept(): Promise<boolean> {
    this.#kept.add(this)
    return await this.next()
  }

  /** Answers one request. Resolves with whether another may follow. */
  async next(): Promise<boolean> {
    let head: RequestHead | null
    try {
      head = await this.#head()
    } catch (error) {
      return !this.#isStopped && (await this.#refuse(error))
    } finally {
      this.#kept.delete(this)
    }
    if (head === null) return false
    let exchange: Exchange
    try {
      exchange = this.#request(head)
    } catch (error) {
      return await this.#refuse(error instanceof BadMessage ? error : new BadMessage(400, 'the request is malformed'))
    }
    return await this.#answer(head, exchange)
  }

  /** Called if the listener stops while the stream is idle. */
  stop(): void {
    this.#isStopped = true
    this.#stream.stop()
  }

  /** Called if the head does not arrive in time. */
  expire(): void {
    // Makes the pending read fail.
    this.#stream.stop()
  }

  async #head(): Promise<RequestHead | null> {
    const { maxHeaderBytes, headTimeout } = this.#options
    this.expiresAt = performance.now() + headTimeout
    addDeadline(this)
    try {
      return await this.#wire.readRequest(readerOf(this.#stream), maxHeaderBytes)
    } finally {
      removeDeadline(this)
    }
  }

  #request(head: RequestHead): Exchange {
    const { maxBodyBytes } = this.#options
    const { method, target, host } = head
    const isBodiless = method === 'GET' || method === 'HEAD'
    const framing = head.framing ?? (this.#wire.unsized === 'fin' && !isBodiless ? 'fin' : 0)
    if (forbiddenMethods.has(method)) throw new BadMessage(501, `the method ${method} is not supported`)
    const url = urlOf(target, host, stateOf(this.#stream).connection.endpoint.id52)
    if (typeof framing === 'number' && framing > maxBodyBytes)
      throw new BadMessage(413, `the body is longer than ${maxBodyBytes} bytes`)
    const body = framing === 0 ? undefined : this.#body(framing, head.expect)
    if (body !== undefined && isBodiless) throw new BadMessage(400, `a ${method} request must not have a body`)
    const fields = head.fields.filter(([name]) => name !== 'expect' && !isClaim(name))
    fields.push([peerHeader, this.#context.peer])
    const cancellation = new Cancellation()
    this.#cancellation = cancellation
    this.#unanswered = cancellation
    return { request: receivedRequest({ method, url, fields, body, cancellation }), method, body, cancellation }
  }

  #body(framing: Framing, expect: string | undefined): ReceivedBody {
    const stream = this.#stream
    if (expect !== undefined && expect.toLowerCase() !== '100-continue')
      throw new BadMessage(417, 'the only expectation supported is 100-continue')
    const goOn = () => {
      stream.write('HTTP/1.1 100 Continue\r\n\r\n').catch(() => {})
    }
    const { maxBodyBytes: maxBytes } = this.#options
    return new ReceivedBody(stateOf(stream), readerOf(stream), {
      framing,
      maxBytes,
      onFirstRead: () => {
        if (expect !== undefined && this.#unanswered !== undefined) goOn()
      }
    })
  }

  async #answer(head: RequestHead, exchange: Exchange): Promise<boolean> {
    let response: Response
    let source: Uint8Array | undefined
    try {
      response = await this.#handle(exchange)
      source = sourceOf(response)
      if (source === undefined && !isResponse(response)) throw new TypeError('a handler must return an unused Response')
    } catch (error) {
      return await this.#fail(error, exchange)
    }
    const { body, cancellation } = exchange
    // An unread body blocks the next request.
    const mayContinue = !head.closes && this.#wire.unsized !== 'fin' && !this.#kept.isStopped
    const continues = mayContinue && (body === undefined || body.isComplete) && !readerOf(this.#stream).atEnd
    // Later, it would be in the middle of the answer.
    this.#unanswered = undefined
    try {
      await this.#send(response, source, exchange, continues)
      if (!continues) readerOf(this.#stream).stop(0)
      return continues
    } catch (error) {
      const isGone = cancellation.isAborted || isFastnNetError(error, 'ERR_STREAM_STOPPED')
      cancellation.abort(error)
      if (isGone) return false
      // Not a FIN, which would look like the end of the body.
      throw error
    }
  }

  async #handle({ request }: Exchange): Promise<Response> {
    const result = this.#options.handler(request, this.#context)
    if (!isThenable(result)) return result as Response
    const answer = Promise.resolve(result)
    if (!(await settlesSoon(answer))) this.#watch()
    return await answer
  }

  /** Aborts the signal of the request in progress once the caller leaves. */
  #watch(): void {
    const { signal } = this.#stream
    const abort = () => this.#cancellation?.abort(signal.reason)
    if (signal.aborted) abort()
    else if (!this.#isWatched) signal.addEventListener('abort', abort, { once: true })
    this.#isWatched = true
  }

  /** `source`: the body, if it is at hand. */
  async #send(
    response: Response,
    source: Uint8Array | undefined,
    exchange: Exchange,
    continues: boolean
  ): Promise<void> {
    const { status, statusText, headers } = response
    const given = headers.get('content-length')
    const head = (framing: Framing | undefined) =>
      this.#wire.answerHead(status, statusText, headers as Iterable<Field>, framing, continues)
    if (exchange.method === 'HEAD' || withoutBody.has(status)) {
      const length = exchange.method === 'HEAD' && given !== null ? lengthOf(given) : undefined
      if (source === undefined) await response.body?.cancel()
      return await this.#last(encoded(head(length)), continues)
    }
    if (source !== undefined) {
      checkLength(given, source.length)
      return await this.#last(encoded(head(source.length), source), continues)
    }
    const { body } = response
    if (body === null) return await this.#last(encoded(head(0)), continues)
    const reader = body.getReader() as ReadableStreamDefaultReader<unknown>
    let cancel: (() => void) | undefined
    try {
      const first = await startOf(reader)
      const length = first.isWhole ? first.bytes.length : given === null ? undefined : lengthOf(given)
      checkLength(given, length)
      if (first.isWhole) return await this.#last(encoded(head(length), first.bytes), continues)
      this.#watch()
      const { signal } = exchange.cancellation
      cancel = () => {
        reader.cancel(signal.reason).catch(() => {})
      }
      signal.addEventListener('abort', cancel)
      const framing = length ?? this.#wire.unsized
      await sendBody(this.#stream, head(framing), reader, first, framing, !continues)
    } catch (error) {
      reader.cancel(error).catch(() => {})
      throw error
    } finally {
      if (cancel !== undefined) exchange.cancellation.signal.removeEventListener('abort', cancel)
    }
  }

  async #last(bytes: Uint8Array, continues: boolean): Promise<void> {
    await (continues ? this.#stream.write(bytes) : this.#stream.finish(bytes))
  }

  /** Answers after a failed handler. */
  async #fail(error: unknown, { body, cancellation }: Exchange): Promise<boolean> {
    if (cancellation.isAborted) return false
    const { failure } = body ?? {}
    if (failure instanceof BadMessage) return await this.#refuse(failure)
    await this.#refuse(new BadMessage(500, 'Internal Server Error'))
    const { onError } = this.#options
    try {
      if (onError !== undefined) await onError(error, this.#context)
      else if (!isExpectedEnd(error, this.#stream)) warn(error)
    } catch (onErrorFailure) {
      warn(onErrorFailure)
    }
    return false
  }

  /** Ends the stream with a status in place of an answer. */
  async #refuse(error: unknown): Promise<boolean> {
    if (!(error instanceof BadMessage)) {
      if (!(error instanceof FastnNetError)) throw error
      // The caller has left, or its head did not arrive in time.
      if (error.code !== 'ERR_STREAM_STOPPED') return false
    }
    const { status, message } = error instanceof BadMessage ? error : new BadMessage(408, 'the head took too long')
    const head = this.#wire.answerHead(status, '', [['content-type', 'text/plain']], message.length, false)
    try {
      await this.#stream.finish(encoded(`${head}${message}`))
    } catch {
      // The caller has left.
    }
    readerOf(this.#stream).stop(0)
    return false
  }
}

/** A request in progress. */
interface Exchange {
  readonly request: Request
  readonly method: string
  readonly body: ReceivedBody | undefined
  readonly cancellation: Cancellation
}

function checkLength(given: string | null, length: number | undefined): void {
  if (given !== null && length !== lengthOf(given))
    throw new TypeError('the length of the answer differs from its Content-Length')
}

function lengthOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new TypeError('the Content-Length of the answer is not a number')
}

function warn(error: unknown): void {
  const format = (message: string) =>
    `a handler of serveHttp failed: ${message}. Set the option onError of serveHttp to see every failure`
  warnOnce(error, 'ERR_HANDLER', format)
}
