import type { Connection } from '../connection/connection.js'
import type { FetchOptions, HttpHandler, ServeHttpOptions } from '../http/options.js'
import type { Peer } from '../keys/peer.js'
import type { CancelOptions } from '../types.js'
import type { Listener } from './listener.js'
import { endpoints } from './loaded.js'
import { RequestEndpoint } from './request-endpoint.js'

/** HTTP over the streams of an {@link Endpoint}. */
export abstract class HttpEndpoint extends RequestEndpoint {
  /** @internal */
  abstract connect(peer: Peer, options?: CancelOptions): Promise<Connection>

  /**
   * Sends an HTTP request to a peer, and resolves with its answer as soon as its head is here. The peer answers with {@link serveHttp}.
   *
   * `input` is a path. Of a URL or `Request`, as libraries pass them, the host is only sent as `Host`: the request goes to the peer.
   *
   * - Each request has a stream of its own, and costs no round trip more than its answer takes.
   * - Request and answer are streamed, at the pace of the slower side. The answer may begin before the request has ended.
   * - Aborting `init.signal` ends the request, also while the answer's body is read, and aborts the handler's `request.signal`.
   * - Redirects to the same peer are followed (`redirect: 'follow'`), unless their request had a body of a stream. The answer with a
   *   redirect to another host is returned as it is: `response.headers.get('location')`.
   * - No timeout: pass `AbortSignal.timeout(ms)`. A lost peer ends the request anyway.
   * - Also asks peers of the original library, over its protocol `Http`. They know no named services.
   * - An unread body holds its stream: read it, or call `response.body.cancel()`.
   *
   * @throws {FastnNetError} `ERR_UNEXPECTED_END` if the answer is cut short or not valid HTTP. `ERR_TOO_LARGE` beyond `maxHeaderBytes`, or
   * `maxBodyBytes` while the body is read. `ERR_REFUSED` for a redirect with `redirect: 'error'`. `ERR_INVALID_ARGUMENT`. The errors of
   * {@link Endpoint.getStream}, also while the body is read. `TypeError` as the global `fetch`, for a method or header that is not valid.
   *
   * @example
   * const response = await endpoint.fetch(peer, '/items', { method: 'POST', body: JSON.stringify({ name: 'lamp' }) })
   * console.log(response.status, await response.json())
   */
  fetch(peer: Peer, input: string | URL | Request, init: FetchOptions = {}): Promise<Response> {
    return endpoints().fetchFromPeer(this, peer, input, init)
  }

  /**
   * Answers HTTP requests of peers with a handler of `Request` and `Response`, such as Hono's `app.fetch`. Peers send them with
   * {@link fetch}. `fastn-net/node` has the same for `node:http` and Express.
   *
   * - The header `fastn-peer` is the ID52 of the caller. No caller can set it.
   * - `request.signal` aborts when the caller leaves.
   * - A handler that throws answers with status 500, without the error's text: see `onError`.
   * - Bodies are streamed, at the pace of the slower side. A body that fails resets the stream, so that no caller takes a part for all.
   * - Closing the result ends the streams that wait for another request. A request in progress is the last one of its stream.
   *
   * Peers of the original library reach it over their protocol `Http`, if it has no name (`service`).
   *
   * Anyone whom the endpoint admits may send requests: see `allow` of {@link EndpointOptions}. Returns at once, as {@link Endpoint.listen}
   * does; serves until the result is closed, and keeps the process alive until then.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
   *
   * @example
   * endpoint.serveHttp(request => new Response(`hello ${request.headers.get('fastn-peer')}`))
   */
  serveHttp(handler: HttpHandler, options: ServeHttpOptions = {}): Listener {
    return endpoints().serveHttp(this, handler, options)
  }
}
