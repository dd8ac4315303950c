import type { HttpContext, HttpHandler } from '../../http/options.js'

/** Maximum number of logged requests. */
const maxRequests = 50
/** Maximum length of a logged path. */
const maxPath = 200

/** An answered request. */
export interface LoggedRequest {
  /** Arrival, in milliseconds since 1970. */
  readonly time: number
  readonly peer: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** Milliseconds until the answer began. */
  readonly ms: number
}

/** The last requests of a service. */
export class RequestLog {
  readonly #requests: LoggedRequest[] = []

  /** The last requests, the latest first. */
  get latest(): readonly LoggedRequest[] {
    return this.#requests.toReversed()
  }

  /** Answers a request with the handler, and logs it. */
  async logged(request: Request, context: HttpContext, handle: HttpHandler): Promise<Response> {
    const [time, started] = [Date.now(), performance.now()]
    const { pathname, search } = new URL(request.url)
    const path = `${pathname}${search}`.slice(0, maxPath)
    const add = (status: number) => {
      const ms = Math.round((performance.now() - started) * 10) / 10
      this.#requests.push({ time, peer: context.peer, method: request.method.slice(0, 16), path, status, ms })
      if (this.#requests.length > maxRequests) this.#requests.shift()
    }
    try {
      const response = await handle(request, context)
      add(response.status)
      return response
    } catch (error) {
      // The status that the caller sees.
      add(500)
      throw error
    }
  }
}
