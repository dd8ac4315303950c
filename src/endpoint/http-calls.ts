// What an endpoint does over HTTP. The code of HTTP itself is loaded by the first call.
import type { PeerStream } from '../connection/connection.js'
import type { HttpClient } from '../http/client-stream.js'
import { KeptStreams } from '../http/kept-streams.js'
import { type FetchOptions, type HttpHandler, resolveServeHttp, type ServeHttpOptions } from '../http/options.js'
import type { Peer } from '../keys/peer.js'
import { isBytes } from '../util/bytes.js'
import type { ListenOptions, StreamHandlers } from './listen.js'
import { type Listener, listenedBy } from './listener.js'

type ServeModule = typeof import('../http/serve.js')

let fetchModule: typeof import('../http/fetch.js') | undefined
let serveModule: ServeModule | undefined

async function loadServe(): Promise<ServeModule> {
  if (serveModule === undefined) {
    serveModule = await import('../http/serve.js')
    // Before the first request, which would wait for it.
    serveModule.prepareRequests()
  }
  return serveModule
}

/** See {@link Endpoint.fetch}. */
export async function fetchFromPeer(
  endpoint: HttpClient,
  peer: Peer,
  input: string | URL | Request,
  init: FetchOptions
): Promise<Response> {
  if (fetchModule !== undefined) return await fetchModule.fetchFrom(endpoint, peer, input, init)
  // The caller may change the bytes while the module is loaded.
  const kept = isBytes((init as FetchOptions | null)?.body)
    ? { ...init, body: new Uint8Array(init.body as Uint8Array) }
    : init
  fetchModule = await import('../http/fetch.js')
  return await fetchModule.fetchFrom(endpoint, peer, input, kept)
}

/** The part of an endpoint that serving needs. */
interface Server {
  listen(handlers: StreamHandlers, options: ListenOptions): Listener
}

/** See {@link Endpoint.serveHttp}. */
export function serveHttp(endpoint: Server, handler: HttpHandler, options: ServeHttpOptions): Listener {
  const resolved = resolveServeHttp(handler, options)
  void loadServe()
  const kept = new KeptStreams()
  // Not async once the module is loaded: the answer would leave later.
  const serve = (stream: PeerStream) => {
    const serveWith = ({ serveHttpStream }: ServeModule) =>
      serveHttpStream(stream, resolved, stream.protocol === 'Http', kept)
    return serveModule === undefined ? loadServe().then(serveWith) : serveWith(serveModule)
  }
  const { onError } = resolved
  const report = onError && ((error: unknown, stream: PeerStream) => onError(error, { peer: stream.remoteId52 }))
  const protocols = resolved.hasName ? [resolved.protocol] : [resolved.protocol, 'Http' as const]
  const handlers = protocols.map(protocol => [protocol, serve] as const)
  const listener = endpoint.listen(handlers, { signal: resolved.signal, onError: report })
  return listenedBy(listener, { method: 'serveHttp', onStopped: () => kept.stop() })
}
