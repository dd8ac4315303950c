import { coreOf, readerOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { addDeadline, type Expiring, removeDeadline } from '../util/deadlines.js'
import { isThenable } from '../util/thenable.js'
import { warnOnce } from '../util/warn.js'
import { BadMessage, encoded, fieldLines, type Head, parseHead, readHead } from './head.js'
import type { HttpContext, ResolvedServeHttp } from './options.js'
import { ReceivedBody } from './receive-body.js'
import { sendBody, settlesSoon, startOf } from './send-body.js'

const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~\x80-\xff]+) HTTP\/(\d)\.(\d)$/
const validHost = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/
const forbiddenMethods = new Set(['CONNECT', 'TRACE', 'TRACK'])
const withoutBody = new Set([204, 205, 304])

/** Answers the requests of one stream, one after the other. Rejects with what cut an answer short. */
export async function serveHttpStream(stream: PeerStream, options: ResolvedServeHttp): Promise<void> {
  const server = new StreamServer(stream, options)
  while (await server.next());
}

class StreamServer implements Expiring {
  readonly #stream: PeerStream
  readonly #options: ResolvedServeHttp
  readonly #context: HttpContext
  /** Of the request in progress, until its answer begins. */
  #unanswered: AbortController | undefined
  /** Of the request in progress. */
  #controller: AbortController | undefined
  #isWatched = false
  expiresAt = 0

  constructor(stream: PeerStream, options: ResolvedServeHttp) {
    this.#stream = stream
    this.#options = options
    this.#context = Object.freeze({ peer: stream.remoteId52 })
  }

  /** Answers one request. Whether another may follow. */
  async next(): Promise<boolean> {
    let head: Head | null
    try {
      head = await this.#head()
    } catch (error) {
      return await this.#refuse(error)
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

  /** The head did not arrive in time. */
  expire(): void {
    // The read that waits for it fails.
    this.#stream.stop()
  }

  async #head(): Promise<Head | null> {
    const reader = readerOf(this.#stream)
    const reading = readHead(reader, this.#options.maxHeaderBytes)
    // It is there already in most cases.
    if (!(await settlesSoon(reading))) {
      this.expiresAt = performance.now() + this.#options.headTimeout
      addDeadline(this)
    }
    const read = await reading.finally(() => removeDeadline(this))
    if (read === null) return null
    if (read.rest.length > 0) reader.putBack(read.rest, false)
    return parseHead(read.text)
  }

  #request(head: Head): Exchange {
    const { maxBodyBytes } = this.#options
    const [, method = '', target = '', major, minor] = requestLine.exec(head.start) ?? []
    if (major === undefined) throw new BadMessage(400, 'the request line is malformed')
    if (major !== '1' || minor !== '1') throw new BadMessage(505, 'only HTTP/1.1 is supported')
    if (forbiddenMethods.has(method)) throw new BadMessage(501, `the method ${method} is not supported`)
    const host = head.headers.get('host')
    if (host === null || (host !== '' && !validHost.test(host))) throw new BadMessage(400, 'Host is missing or invalid')
    const url = urlOf(target, host === '' ? coreOf(this.#stream).connection.endpoint.id52 : host)
    const { framing = 0, headers } = head
    if (typeof framing === 'number' && framing > maxBodyBytes)
      throw new BadMessage(413, `the body is longer than ${maxBodyBytes} bytes`)
    const body = framing === 0 ? undefined : this.#body(head)
    if (body !== undefined && (method === 'GET' || method === 'HEAD'))
      throw new BadMessage(400, `a ${method} request must not have a body`)
    headers.delete('expect')
    headers.set('fastn-peer', this.#context.peer)
    const controller = new AbortController()
    this.#controller = controller
    this.#unanswered = controller
    const init = { method, headers, body: body?.stream ?? null, signal: controller.signal, duplex: 'half' as const }
    return { request: new Request(url, init), method, body, controller }
  }

  #body({ framing = 0, headers }: Head): ReceivedBody {
    const stream = this.#stream
    const expects = headers.get('expect')
    if (expects !== null && expects.toLowerCase() !== '100-continue')
      throw new BadMessage(417, 'the only expectation supported is 100-continue')
    const goOn = () => {
      stream.write('HTTP/1.1 100 Continue\r\n\r\n').catch(() => {})
    }
    const { maxBodyBytes: maxBytes } = this.#options
    return new ReceivedBody(coreOf(stream), readerOf(stream), {
      framing,
      maxBytes,
      onFirstRead: () => {
        if (expects !== null && this.#unanswered !== undefined) goOn()
      }
    })
  }

  async #answer(head: Head, exchange: Exchange): Promise<boolean> {
    let response: Response
    try {
      response = await this.#handle(exchange)
      if (!isResponse(response)) throw new TypeError('a handler must return a Response that was not used')
    } catch (error) {
      return await this.#fail(error, exchange)
    }
    const { body, controller } = exchange
    // A body that was not read to its end is in the way of the next request.
    const continues = !head.closes && (body === undefined || body.isComplete) && !readerOf(this.#stream).atEnd
    // From now on, it would be in the middle of the answer.
    this.#unanswered = undefined
    try {
      await this.#send(response, exchange, continues)
      if (!continues) readerOf(this.#stream).stop(0)
      return continues
    } catch (error) {
      const isGone = controller.signal.aborted || isFastnNetError(error, 'ERR_STREAM_STOPPED')
      controller.abort(error)
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
    const abort = () => this.#controller?.abort(signal.reason)
    if (signal.aborted) abort()
    else if (!this.#isWatched) signal.addEventListener('abort', abort, { once: true })
    this.#isWatched = true
  }

  async #send(response: Response, exchange: Exchange, continues: boolean): Promise<void> {
    const { status, statusText, headers, body } = response
    const given = headers.get('content-length')
    const fields = `${fieldLines(headers, 'content-length')}${dateLine()}${continues ? '' : 'connection: close\r\n'}`
    const start = `HTTP/1.1 ${status} ${/^[\t -~]*$/.test(statusText) ? statusText : ''}\r\n${fields}`
    if (exchange.method === 'HEAD' || withoutBody.has(status)) {
      const kept = exchange.method === 'HEAD' && given !== null ? `content-length: ${lengthOf(given)}\r\n` : ''
      await body?.cancel()
      return await this.#last(encoded(`${start}${kept}\r\n`), continues)
    }
    if (body === null) return await this.#last(encoded(`${start}content-length: 0\r\n\r\n`), continues)
    const reader = body.getReader() as ReadableStreamDefaultReader<unknown>
    const cancel = () => {
      reader.cancel(exchange.controller.signal.reason).catch(() => {})
    }
    try {
      const first = await startOf(reader)
      const length = first.isWhole ? first.bytes.length : given === null ? undefined : lengthOf(given)
      if (given !== null && length !== lengthOf(given))
        throw new TypeError('the answer has another length than its Content-Length says')
      const framing = length === undefined ? 'transfer-encoding: chunked' : `content-length: ${length}`
      const head = `${start}${framing}\r\n\r\n`
      if (first.isWhole) return await this.#last(encoded(head, first.bytes), continues)
      this.#watch()
      exchange.controller.signal.addEventListener('abort', cancel)
      await sendBody(this.#stream, head, reader, first, length)
      if (!continues) await this.#stream.finish()
    } catch (error) {
      reader.cancel(error).catch(() => {})
      throw error
    } finally {
      exchange.controller.signal.removeEventListener('abort', cancel)
    }
  }

  async #last(bytes: Uint8Array, continues: boolean): Promise<void> {
    await (continues ? this.#stream.write(bytes) : this.#stream.finish(bytes))
  }

  /** Answers for a handler that failed. */
  async #fail(error: unknown, { body, controller }: Exchange): Promise<boolean> {
    if (controller.signal.aborted) return false
    const { failure } = body ?? {}
    if (failure instanceof BadMessage) return await this.#refuse(failure)
    await this.#refuse(new BadMessage(500, 'Internal Server Error'))
    const { onError } = this.#options
    try {
      if (onError !== undefined) await onError(error, this.#context)
      else warn(error)
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
    const head = `HTTP/1.1 ${status} \r\ncontent-type: text/plain\r\ncontent-length: ${message.length}\r\n${dateLine()}`
    try {
      await this.#stream.finish(encoded(`${head}connection: close\r\n\r\n${message}`))
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
  readonly controller: AbortController
}

function urlOf(target: string, host: string): string {
  if (target.startsWith('/')) return `http://${host}${target}`
  if (/^https?:\/\//i.test(target)) {
    const url = new URL(target)
    return `http://${host}${url.pathname}${url.search}`
  }
  throw new BadMessage(400, 'the request target must be a path')
}

function isResponse(value: unknown): value is Response {
  const { status, headers, bodyUsed } = (value ?? {}) as Partial<Response>
  return Number.isInteger(status) && headers !== undefined && Symbol.iterator in headers && bodyUsed !== true
}

function lengthOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new TypeError('the Content-Length of the answer is not a number')
}

let date = ''
let dateUntil = 0

/** RFC 9110 requires it of a server with a clock. Made once a second. */
function dateLine(): string {
  const now = Date.now()
  if (now < dateUntil && dateUntil - now <= 1_000) return date
  dateUntil = now - (now % 1_000) + 1_000
  date = `date: ${new Date(now).toUTCString()}\r\n`
  return date
}

function warn(error: unknown): void {
  const format = (message: string) =>
    `a handler of serveHttp failed: ${message}. Set the option onError of serveHttp to see every failure`
  warnOnce(error, 'ERR_HANDLER', format)
}
