import { coreOf, readerOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, isFastnNetError, type Protocol } from '../errors.js'
import { idsOf, type Peer } from '../keys/peer.js'
import { defaults } from '../settings.js'
import { alpnOf, nativeAlpn } from '../stream/endpoint-state.js'
import { cancelled } from '../stream/failure-codes.js'
import type { OpenOptions } from '../types.js'
import { offAbort, onAbort } from '../util/abort.js'
import { checkSignal, invalid, throwIfAborted } from '../util/validate.js'
import { BadMessage, encoded, type Framing, fieldLines, parseHead, readHead } from './head.js'
import { type FetchOptions, httpProtocol, sizeOf } from './options.js'
import { ReceivedBody } from './receive-body.js'
import { type BodyStart, sendBody, startOf } from './send-body.js'

/** What a request needs of an endpoint. */
export interface HttpClient {
  getStream(peer: Peer, protocol: Protocol, options: OpenOptions): Promise<PeerStream>
}

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d)(?: ([\t -~\x80-\xff]*))?$/
const maxRedirects = 20
const maxInterim = 16
const withoutBody = new Set([204, 205, 304])
const bodyFields = ['content-type', 'content-encoding', 'content-language', 'content-location']

/** A request, ready to be sent. */
interface Message {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
}

/** Sends a request to a peer, and follows redirects to the same peer. */
export async function fetchFrom(
  client: HttpClient,
  peer: Peer,
  input: string | URL | Request,
  init: FetchOptions
): Promise<Response> {
  const given: unknown = init
  if (typeof given !== 'object' || given === null) throw invalid('init', 'an object')
  const { redirect = input instanceof Request ? input.redirect : 'follow' } = init
  if (init.integrity) throw invalid('init.integrity', 'absent: it is not supported')
  const protocol = httpProtocol(init.service ?? '')
  const signal = checkSignal(init.signal ?? (input instanceof Request ? input.signal : undefined))
  throwIfAborted(signal)
  let message = messageOf(peer, input, init)
  for (let count = 0; ; count++) {
    const exchange = new Exchange(client, peer, protocol, message, init, signal)
    const response = await exchange.response(count > 0)
    const next = redirect === 'manual' ? undefined : redirected(message, response, exchange.sentWhole)
    if (next === undefined) return response
    await response.body?.cancel()
    const context = { peer: idsOf(peer, 'peer')[0], protocol, phase: 'fetch' }
    if (redirect === 'error') throw new FastnNetError('ERR_REFUSED', 'the peer answered with a redirect', context)
    if (count === maxRedirects)
      throw new FastnNetError('ERR_REFUSED', `the peer redirected more than ${maxRedirects} times`, context)
    message = next
  }
}

function messageOf(peer: Peer, input: string | URL | Request, init: FetchOptions): Message {
  const url = urlOf(peer, input)
  const { service, maxHeaderBytes, maxBodyBytes, signal, ...rest } = init
  const isPlain = !(input instanceof Request) && (rest.body === undefined || rest.body === null)
  const method = rest.method?.toUpperCase() ?? 'GET'
  if (isPlain && (method === 'GET' || method === 'HEAD'))
    return { method, url, headers: new Headers(rest.headers ?? undefined), body: null }
  const from = input instanceof Request ? input : url
  const defined = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  const request = new Request(from, { ...defined, duplex: 'half' } as RequestInit)
  return { method: request.method, url, headers: request.headers, body: request.body }
}

/** A path is completed with the peer's ID52. Of a URL, the host is only the Host header: the request goes to the peer. */
function urlOf(peer: Peer, input: string | URL | Request): URL {
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url
  const isPath = text.startsWith('/')
  try {
    const url = new URL(isPath ? `http://${idsOf(peer, 'peer')[0]}${text}` : text)
    if (url.protocol === 'http:' || url.protocol === 'https:') return url
  } catch (error) {
    if (isFastnNetError(error)) throw error
  }
  throw invalid('path', "a path such as '/items?page=2', or a URL with http")
}

/** The request that a redirect asks for; undefined where the answer is no redirect, or one that is not followed. */
function redirected(message: Message, response: Response, sentWhole: Uint8Array | undefined): Message | undefined {
  const location = response.headers.get('location')
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return undefined
  const url = URL.canParse(location, message.url.href) ? new URL(location, message.url) : undefined
  if (url === undefined || url.origin !== message.url.origin) return undefined
  const isPost = message.method === 'POST' && response.status <= 302
  const becomesGet = isPost || (response.status === 303 && message.method !== 'GET' && message.method !== 'HEAD')
  if (becomesGet) {
    const headers = new Headers(message.headers)
    for (const name of bodyFields) headers.delete(name)
    return { method: 'GET', url, headers, body: null }
  }
  if (message.body === null) return { ...message, url }
  // A stream cannot be sent again.
  if (sentWhole === undefined) return undefined
  return { ...message, url, body: new Response(sentWhole.slice()).body as ReadableStream<Uint8Array> }
}

/** One request and its answer, on one stream. */
class Exchange {
  readonly #client: HttpClient
  readonly #peer: Peer
  readonly #protocol: Protocol
  readonly #message: Message
  readonly #options: FetchOptions
  readonly #signal: AbortSignal | undefined
  #stream: PeerStream | undefined
  #onAbort: (() => void) | undefined
  /** Why the request's body could not be sent. */
  #uploadFailure: { readonly error: unknown } | undefined
  /** The request's body, if it was short. */
  sentWhole: Uint8Array | undefined

  constructor(
    client: HttpClient,
    peer: Peer,
    protocol: Protocol,
    message: Message,
    options: FetchOptions,
    signal: AbortSignal | undefined
  ) {
    this.#client = client
    this.#peer = peer
    this.#protocol = protocol
    this.#message = message
    this.#options = options
    this.#signal = signal
  }

  async response(wasRedirected: boolean): Promise<Response> {
    const signal = this.#signal
    const stream = await this.#client.getStream(this.#peer, this.#protocol, { ack: 'later', signal })
    this.#stream = stream
    try {
      this.#checkAlpn(stream)
      if (signal !== undefined) {
        throwIfAborted(signal)
        this.#onAbort = () => this.#abandon()
        onAbort(signal, this.#onAbort)
      }
      await this.#send(stream)
      return await this.#receive(stream, wasRedirected)
    } catch (error) {
      this.#end()
      this.#abandon()
      throw this.#errorOf(error)
    }
  }

  #checkAlpn(stream: PeerStream): void {
    if (alpnOf(coreOf(stream)) === nativeAlpn) return
    const message = 'the peer is an older one, which this version of fetch cannot reach'
    throw new FastnNetError('ERR_PROTOCOL_UNSUPPORTED', message, coreOf(stream).context('fetch'))
  }

  /** Sends the request. A body that is not short is sent beside the answer, which may come before its end. */
  async #send(stream: PeerStream): Promise<void> {
    const { method, url, headers, body } = this.#message
    const host = headers.has('host') ? '' : `host: ${url.host}\r\n`
    const head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${host}${fieldLines(headers, 'content-length')}`
    if (body === null) {
      const length = method === 'GET' || method === 'HEAD' ? '' : 'content-length: 0\r\n'
      return await unlessStopped(stream.finish(encoded(`${head}${length}\r\n`)))
    }
    const reader = body.getReader() as ReadableStreamDefaultReader<unknown>
    let start: BodyStart
    try {
      start = await startOf(reader)
    } catch (error) {
      this.#uploadFailure = { error }
      throw error
    }
    if (start.isWhole) {
      this.sentWhole = start.bytes
      const whole = encoded(`${head}content-length: ${start.bytes.length}\r\n\r\n`, start.bytes)
      return await unlessStopped(stream.finish(whole))
    }
    this.#upload(stream, `${head}transfer-encoding: chunked\r\n\r\n`, reader, start)
  }

  #upload(stream: PeerStream, head: string, reader: ReadableStreamDefaultReader<unknown>, start: BodyStart): void {
    const send = async () => {
      try {
        await sendBody(stream, head, reader, start, undefined)
        await stream.finish()
      } catch (error) {
        reader.cancel(error).catch(() => {})
        // The peer needs no more of it: its answer says why. What else the stream fails with, the answer fails with too.
        if (isFastnNetError(error)) return
        this.#uploadFailure = { error }
        this.#abandon()
      }
    }
    void send()
  }

  async #receive(stream: PeerStream, wasRedirected: boolean): Promise<Response> {
    const reader = readerOf(stream)
    const maxHeaderBytes = sizeOf(this.#options.maxHeaderBytes, 'maxHeaderBytes', defaults.maxHeaderBytes)
    for (let count = 0; count <= maxInterim; count++) {
      const read = await readHead(reader, maxHeaderBytes)
      if (read === null) throw this.#error('ERR_UNEXPECTED_END', 'the peer ended the stream without an answer')
      const head = parseHead(read.text)
      const [, code, reason = ''] = statusLine.exec(head.start) ?? []
      if (code === undefined || code === '101') throw new BadMessage(502, 'its status line is malformed')
      const isInterim = code.startsWith('1')
      const framing: Framing = head.framing ?? 'fin'
      if (isInterim) {
        if (read.rest.length > 0) reader.putBack(read.rest, false)
        continue
      }
      const init: ResponseInit = { status: Number(code), statusText: reason, headers: head.headers }
      const body = this.#body(stream, init.status as number, framing, read.rest)
      return withUrl(new Response(body, init), this.#message.url.href, wasRedirected)
    }
    throw new BadMessage(502, 'it has too many interim answers')
  }

  #body(
    stream: PeerStream,
    status: number,
    framing: Framing,
    rest: Uint8Array<ArrayBuffer>
  ): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null {
    const reader = readerOf(stream)
    const maxBytes = sizeOf(this.#options.maxBodyBytes, 'maxBodyBytes', Number.POSITIVE_INFINITY)
    const isAbsent = this.#message.method === 'HEAD' || withoutBody.has(status)
    const isWhole = isAbsent || (framing === rest.length && framing <= maxBytes)
    if (isWhole) {
      this.#end()
      reader.stop(0)
      return isAbsent ? null : rest
    }
    if (rest.length > 0) reader.putBack(rest, false)
    const body = new ReceivedBody(coreOf(stream), reader, {
      framing,
      maxBytes,
      errorOf: error => (this.#signal?.aborted || this.#uploadFailure ? this.#errorOf(error) : undefined),
      onEnd: () => this.#end()
    })
    return body.stream
  }

  #end(): void {
    if (this.#signal !== undefined && this.#onAbort !== undefined) offAbort(this.#signal, this.#onAbort)
    this.#onAbort = undefined
  }

  #abandon(): void {
    if (this.#stream !== undefined) coreOf(this.#stream).abort(cancelled, 'the request was cancelled')
  }

  #errorOf(error: unknown): unknown {
    if (this.#signal?.aborted === true) return this.#signal.reason
    if (this.#uploadFailure !== undefined) return this.#uploadFailure.error
    if (!(error instanceof BadMessage)) return error
    const code = error.status === 431 ? 'ERR_TOO_LARGE' : 'ERR_UNEXPECTED_END'
    return this.#error(code, `the peer's answer is not valid HTTP: ${error.message}`)
  }

  #error(code: 'ERR_UNEXPECTED_END' | 'ERR_TOO_LARGE', message: string): FastnNetError {
    return new FastnNetError(code, message, { ...coreOf(this.#stream as PeerStream).context('fetch'), partial: '' })
  }
}

/** A `Response` made by hand has an empty URL. */
function withUrl(response: Response, url: string, redirected: boolean): Response {
  return Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } })
}

/** The answer says why the peer needs no more of a request. */
async function unlessStopped(sent: Promise<void>): Promise<void> {
  try {
    await sent
  } catch (error) {
    if (!isFastnNetError(error, 'ERR_STREAM_STOPPED')) throw error
  }
}
