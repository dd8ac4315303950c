import { stateOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { alpnOf, nativeAlpn } from '../stream/endpoint-state.js'
import { checkSignal, throwIfAborted } from '../util/validate.js'
import { Exchange } from './exchange.js'
import { http1 } from './http1.js'
import { jsonHead } from './json-head.js'
import { messageOf } from './message.js'
import type { FetchOptions, HttpHandler } from './options.js'
import { checkFetch, resolveServeHttp } from './options.js'
import { serveHttpStream } from './serve.js'

/** Sends a request over a stream that was opened for it. */
export async function fetchOver(
  stream: PeerStream,
  input: string | URL | Request,
  init: FetchOptions
): Promise<Response> {
  checkFetch(input, init)
  const signal = checkSignal(init.signal ?? (input instanceof Request ? input.signal : undefined))
  throwIfAborted(signal)
  const wire = isJson(stream) ? jsonHead : http1
  return await new Exchange({ stream, wire }, messageOf(input, init), init, signal).response(false)
}

/** Answers the requests of one stream. */
export async function serveOver(stream: PeerStream, handler: HttpHandler): Promise<void> {
  await serveHttpStream(stream, resolveServeHttp(handler, { maxBodyBytes: Number.POSITIVE_INFINITY }), isJson(stream))
}

function isJson(stream: PeerStream): boolean {
  return stream.protocol === 'Http' || alpnOf(stateOf(stream)) !== nativeAlpn
}
