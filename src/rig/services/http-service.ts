import type { Endpoint } from '../../endpoint/endpoint.js'
import type { HttpHandler } from '../../http/options.js'
import { RequestLog } from './request-log.js'
import type { RunningService } from './service.js'

/** How a handler is served. */
export interface HttpServiceSettings {
  /** The exposed service, for `status`. */
  readonly address: string
  /** ID52s. */
  readonly allow: readonly string[] | 'public'
  readonly service: string | undefined
  readonly signal: AbortSignal
  /** Requests in progress. */
  readonly active: () => number
}

/** Serves a handler over HTTP to the peers that may use it. Logs the last requests. */
export async function httpService(
  endpoint: Endpoint,
  handler: HttpHandler,
  { address, allow, service, signal, active }: HttpServiceSettings
): Promise<RunningService> {
  const requests = new RequestLog()
  const allowed = allow === 'public' ? undefined : new Set(allow)
  const handle: HttpHandler = (request, context) =>
    allowed === undefined || allowed.has(context.peer)
      ? handler(request, context)
      : new Response('not allowed\n', { status: 403 })
  const listener = endpoint.serveHttp((request, context) => requests.logged(request, context, handle), {
    service,
    signal
  })
  await listener.ready
  return {
    address,
    port: null,
    get connections() {
      return active()
    },
    requests: () => requests.latest,
    closed: listener.closed,
    close: options => listener.close(options)
  }
}
