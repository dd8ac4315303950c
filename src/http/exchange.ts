import { readerOf, stateOf, writerOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { defaults } from '../settings.js'
import { drainToFinLater } from '../stream/deferred/defer.js'
import { cancelled } from '../stream/failure-codes.js'
import { offAbort, onAbort } from '../util/abort.js'
import { throwIfAborted } from '../util/validate.js'
import type { ClientStream } from './client-stream.js'
import { BadMessage, encoded, type Field, type Framing } from './head.js'
import type { Message } from './message.js'
import { type FetchOptions, sizeOf } from './options.js'
import { ReceivedBody } from './receive-body.js'
import { receivedResponse } from './received-response.js'
import { type BodyStart, sendBody, startOf } from './send-body.js'
import type { AnswerHead, Wire } from './wire.js'

const withoutBody = new Set([204, 205, 304])

/** One request and its answer, on one stream. */
export class Exchange {
  readonly #stream: PeerStream
  readonly #wire: Wire
  readonly #message: Message
  readonly #options: FetchOptions
  readonly #signal: AbortSignal | undefined
  #onAbort: (() => void) | undefined
  /** Sending has registered the first read. */
  #isWoken = false
  /** Error of sending the request's body. */
  #uploadFailure: { readonly error: unknown } | undefined
  /** The request's body, if it was sent in one piece. */
  sentWhole: Uint8Array | undefined

  constructor(
    { stream, wire }: ClientStream,
    message: Message,
    options: FetchOptions,
    signal: AbortSignal | undefined
  ) {
    this.#stream = stream
    this.#wire = wire
    this.#message = message
    this.#options = options
    this.#signal = signal
  }

  async response(wasRedirected: boolean): Promise<Response> {
    const signal = this.#signal
    try {
      if (signal !== undefined) {
        throwIfAborted(signal)
        this.#onAbort = () => this.#abandon()
        onAbort(signal, this.#onAbort)
      }
      const sent = this.#send()
      if (sent !== undefined) await sent
      return await this.#receive(wasRedirected)
    } catch (error) {
      this.#end()
      this.#abandon()
      throw this.#errorOf(error)
    }
  }

  /** Sends the request. A long body is sent concurrently with the answer, which may arrive first. */
  #send(): Promise<void> | undefined {
    const { method, body } = this.#message
    if (body === null) {
      const framing = method === 'GET' || method === 'HEAD' ? undefined : 0
      return this.#finish(encoded(this.#head(framing)))
    }
    if (!(body instanceof Uint8Array)) return this.#sendStream(body)
    this.sentWhole = body
    return this.#finish(encoded(this.#head(body.length), body))
  }

  /** Does not wait, because flow control may block until the answer is read. The answer also reports the outcome of the request. */
  #finish(bytes: Uint8Array): undefined {
    this.#isWoken = writerOf(this.#stream).finishToRead(bytes)
  }

  #head(framing: Framing | undefined): string {
    const { method, target, headers } = this.#message
    const fields = headers.has('host') ? headers : withHost(headers, this.#url.host)
    return this.#wire.requestHead(method, target, fields, framing)
  }

  async #sendStream(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader() as ReadableStreamDefaultReader<unknown>
    let start: BodyStart
    try {
      start = await startOf(reader)
    } catch (error) {
      this.#uploadFailure = { error }
      throw error
    }
    if (!start.isWhole) return this.#upload(reader, start)
    this.sentWhole = start.bytes
    // Not to be read in this turn.
    this.#stream.finish(encoded(this.#head(start.bytes.length), start.bytes)).catch(() => {})
  }

  #upload(reader: ReadableStreamDefaultReader<unknown>, start: BodyStart): void {
    const framing = this.#wire.unsized
    const head = this.#head(framing)
    const send = async () => {
      try {
        await sendBody(this.#stream, head, reader, start, framing, true)
      } catch (error) {
        reader.cancel(error).catch(() => {})
        // The peer has stopped reading, and its answer says why. The answer also fails with any other error of the stream.
        if (isFastnNetError(error)) return
        this.#uploadFailure = { error }
        this.#abandon()
      }
    }
    void send()
  }

  async #receive(wasRedirected: boolean): Promise<Response> {
    const maxHeaderBytes = sizeOf(this.#options.maxHeaderBytes, 'maxHeaderBytes', defaults.http.maxHeaderBytes)
    const head = await this.#wire.readAnswer(readerOf(this.#stream), maxHeaderBytes, this.#isWoken)
    if (head === null) throw this.#error('ERR_UNEXPECTED_END', 'the peer ended the stream without an answer')
    const { status, statusText, fields } = head
    const url = () => `${this.#url.origin}${this.#message.target}`
    return receivedResponse({ status, statusText, fields, url, redirected: wasRedirected }, this.#body(head))
  }

  #body({
    status,
    framing: given,
    rest
  }: AnswerHead): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null {
    const framing = given ?? 'fin'
    const reader = readerOf(this.#stream)
    const maxBytes = sizeOf(this.#options.maxBodyBytes, 'maxBodyBytes', Number.POSITIVE_INFINITY)
    const isAbsent = this.#message.method === 'HEAD' || withoutBody.has(status)
    const isWhole = isAbsent || (framing === rest.length && framing <= maxBytes)
    if (isWhole) {
      this.#end()
      reader.stop(0)
      return isAbsent ? null : rest
    }
    if (rest.length > 0) reader.putBack(rest, false)
    const state = stateOf(this.#stream)
    const body = new ReceivedBody(state, reader, {
      framing,
      maxBytes,
      errorOf: error => (this.#signal?.aborted || this.#uploadFailure ? this.#errorOf(error) : undefined),
      onEnd: () => {
        this.#end()
        // The FIN follows the body.
        drainToFinLater(state)
      }
    })
    return body.stream
  }

  #end(): void {
    if (this.#signal !== undefined && this.#onAbort !== undefined) offAbort(this.#signal, this.#onAbort)
    this.#onAbort = undefined
  }

  #abandon(): void {
    stateOf(this.#stream).abort(cancelled, 'the request was cancelled')
  }

  /** Scheme and host of the request. */
  get #url(): { readonly origin: string; readonly host: string } {
    const { origin = `http://${this.#stream.remoteId52}` } = this.#message
    return { origin, host: origin.slice(origin.indexOf('//') + 2) }
  }

  #errorOf(error: unknown): unknown {
    if (this.#signal?.aborted === true) return this.#signal.reason
    if (this.#uploadFailure !== undefined) return this.#uploadFailure.error
    if (isFastnNetError(error, 'ERR_PROTOCOL_UNSUPPORTED')) return this.#notServed(error)
    if (!(error instanceof BadMessage)) return error
    const code = error.status === 431 ? 'ERR_TOO_LARGE' : 'ERR_UNEXPECTED_END'
    return this.#error(code, `the peer's answer is not valid HTTP: ${error.message}`)
  }

  #notServed(cause: FastnNetError): FastnNetError {
    const { service = '' } = this.#options
    const message =
      service === ''
        ? 'the peer serves no HTTP: call serveHttp or exposeHttp there'
        : `the peer serves no HTTP service ${JSON.stringify(service)}: name it in serveHttp or exposeHttp there`
    const { remoteCode, errorCode } = cause
    return new FastnNetError(cause.code, message, {
      ...stateOf(this.#stream).context('fetch'),
      remoteCode,
      errorCode,
      cause
    })
  }

  #error(code: 'ERR_UNEXPECTED_END' | 'ERR_TOO_LARGE', message: string): FastnNetError {
    return new FastnNetError(code, message, { ...stateOf(this.#stream).context('fetch'), partial: '' })
  }
}

function* withHost(headers: Headers, host: string): Generator<Field> {
  yield ['host', host]
  yield* headers
}
