import type { Endpoint } from '../../endpoint/endpoint.js'
import type { HttpHandler } from '../../http/options.js'
import { RequestLog } from './request-log.js'
import type { RunningService } from './service.js'

/** Handles the requests of a service. */
export interface RequestHandler extends HttpHandler {
  /** Requests in progress. */
  readonly requests: number
  /** Aborts answers in progress with the reason. */
  cut(reason: Error): void
}

/** Settings of a served handler. */
export interface HttpServiceSettings {
  /** The exposed service, for `status`. */
  readonly address: string
  /** ID52s. */
  readonly allow: readonly string[] | 'public'
  readonly service: string | undefined
  readonly signal: AbortSignal
}

/** Serves a handler over HTTP to the peers that may use it. Logs the last requests. */
export async function httpService(
  endpoint: Endpoint,
  handler: RequestHandler,
  { address, allow, service, signal }: HttpServiceSettings
): Promise<RunningService> {
  const requests = new RequestLog()
  const ended = new Error('the service has ended')
  const allowed = allow === 'public' ? undefined : new Set(allow)
  const handle: HttpHandler = (request, context) =>
    allowed === undefined || allowed.has(context.peer)
      ? handler(request, context)
      : new Response('not allowed\n', { status: 403 })
  const listener = endpoint.serveHttp((request, context) => requests.logged(request, context, handle), {
    service,
    signal,
    onError(error) {
      // Others become a warning, as without onError.
      if (error !== ended) throw error
    }
  })
  await listener.ready
  return {
    address,
    port: null,
    get connections() {
      return handler.requests
    },
    requests: () => requests.latest,
    closed: listener.closed,
    async close(options) {
      await listener.close(options)
      handler.cut(ended)
    }
  }
}
