import { Agent, type IncomingMessage, request as send } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PeerStream } from '../connection/connection.js'
import type { FetchOptions, HttpHandler } from '../http/options.js'
import type { TunnelTarget } from '../tunnel/options.js'
import { after } from '../util/timeout.js'
import { checkOptions, invalid, type OptionNames, timeLimit } from '../util/validate.js'
import { addressOf } from './tcp.js'

/** Options of {@link peerToHttp}. */
export interface PeerToHttpOptions {
  /** How long the target may take to begin its answer, in milliseconds; then the peer gets status 504. Default: 30 s. */
  answerTimeout?: number | undefined
}

const names: OptionNames<PeerToHttpOptions> = { answerTimeout: true }
const defaultAnswerTimeout = 30_000

/**
 * Sends a request over a stream that was opened for it, and resolves with its answer. The stream ends with the answer's body.
 *
 * `endpoint.fetch` opens the stream too, and follows redirects.
 *
 * @param stream A stream that nothing else uses, with the protocol `'Http'`, or `{ Generic: { fastn: 'http', service } }`.
 * @throws {FastnNetError} As `endpoint.fetch`.
 *
 * @example
 * const response = await httpToPeer(await endpoint.getStream(peer, 'Http'), '/items')
 */
export async function httpToPeer(
  stream: PeerStream,
  input: string | URL | Request,
  init: Omit<FetchOptions, 'service' | 'redirect'> = {}
): Promise<Response> {
  checkStream(stream)
  const { fetchOver } = await import('../http/one-stream.js')
  return await fetchOver(stream, input, init)
}

/**
 * Answers the HTTP requests of one stream, with a handler or from an HTTP server. The server sees the header `fastn-peer`; a server that
 * cannot be reached is status 502.
 *
 * @param target A handler as for `endpoint.serveHttp`; or `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path.
 * @throws What cut an answer short, after the stream was reset. `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * endpoint.listen({ Http: stream => peerToHttp(stream, 3000) })
 */
export async function peerToHttp(
  stream: PeerStream,
  target: HttpHandler | TunnelTarget,
  options: PeerToHttpOptions = {}
): Promise<void> {
  const { answerTimeout } = checkOptions(options, names)
  const timeout = answerTimeout === undefined ? defaultAnswerTimeout : timeLimit(answerTimeout, 'options.answerTimeout')
  checkStream(stream)
  const handler = typeof target === 'function' ? target : backend(target, timeout)
  const { serveOver } = await import('../http/one-stream.js')
  await serveOver(stream, handler)
}

function checkStream(stream: PeerStream): void {
  if (!(stream instanceof PeerStream)) throw invalid('stream', 'a PeerStream')
}

// Connections to servers are kept for the requests of other streams.
const agent = new Agent({ keepAlive: true })

/** A handler that passes requests on to a server. */
function backend(target: TunnelTarget, timeout: number): HttpHandler {
  const to = addressOf(target)
  const where = 'path' in to ? { socketPath: to.path } : to
  return async request => {
    const { pathname, search } = new URL(request.url)
    const { method, signal } = request
    const headers = headersOf(request.headers)
    const asked = send({ ...where, agent, method, path: `${pathname}${search}`, headers, signal })
    const timer = after(timeout, () => asked.destroy(new Late()))
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve)
      asked.on('error', reject)
    })
    if (request.body === null) asked.end()
    // Its failure fails the answer, unless that came before.
    else pipeline(Readable.fromWeb(request.body as never), asked).catch(() => {})
    try {
      return responseOf(await answered)
    } catch (error) {
      if (signal.aborted) throw error
      return new Response(error instanceof Late ? 'Gateway Timeout' : 'Bad Gateway', {
        status: error instanceof Late ? 504 : 502
      })
    } finally {
      clearTimeout(timer)
    }
  }
}

class Late extends Error {}

function headersOf(headers: Headers): string[] {
  const pairs: string[] = []
  for (const [name, value] of headers) pairs.push(name, value)
  return pairs
}

function responseOf(message: IncomingMessage): Response {
  const headers = new Headers()
  for (let at = 0; at < message.rawHeaders.length; at += 2)
    headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string)
  const status = message.statusCode as number
  const isBodiless = status === 204 || status === 205 || status === 304
  if (isBodiless) message.resume()
  const body = isBodiless ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>)
  return new Response(body as never, { status, statusText: message.statusMessage ?? '', headers })
}
