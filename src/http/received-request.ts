import type { Field } from './head.js'

/** Parts of a `Request`. */
export interface RequestParts {
  readonly method: string
  readonly url: string
  readonly fields: readonly Field[]
  readonly body: { readonly stream: ReadableStream<Uint8Array> } | undefined
  readonly cancellation: Cancellation
}

/** A lazy `AbortController`, created on first use of its signal. */
export class Cancellation {
  #controller: AbortController | undefined
  #reason: unknown
  isAborted = false

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.isAborted) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    if (this.isAborted) return
    this.isAborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

function platformRequest({ method, url, fields, body, cancellation }: RequestParts): Request {
  const init = { method, body: body?.stream ?? null, signal: cancellation.signal, duplex: 'half' as const }
  const request = new Request(url, init)
  const { headers } = request
  for (const [name, value] of fields) headers.append(name, value)
  return request
}

/**
 * Most handlers read only the method and the URL. The platform's `Request`, with its signal, costs more than the rest of a small request, so
 * it is created lazily. This object has the platform's prototype and symbols, so that any API accepts it as a `Request`.
 */
class LazyRequest {
  readonly #parts: RequestParts
  #made: Request | undefined

  constructor(parts: RequestParts) {
    this.#parts = parts
  }

  get method(): string {
    return this.#parts.method
  }

  get url(): string {
    return this.#parts.url
  }

  get signal(): AbortSignal {
    return this.#parts.cancellation.signal
  }

  /** Takes the platform's prototype and symbols. `false` where that does not make a `Request`. */
  static prepare(): boolean {
    const keys = Reflect.ownKeys(new Request('http://peer'))
    // Newer platforms use private fields, which only their own constructor creates.
    if (keys.length === 0) return false
    Object.setPrototypeOf(LazyRequest.prototype, Request.prototype)
    for (const key of keys) {
      const get = function (this: LazyRequest): unknown {
        this.#made ??= platformRequest(this.#parts)
        return Reflect.get(this.#made, key)
      }
      Object.defineProperty(LazyRequest.prototype, key, { get })
    }
    return true
  }
}

let canBeLazy: boolean | undefined

/**
 * Does what the first {@link receivedRequest} would else do. Node.js loads `Request` when it is first named, which takes 20 ms or more: so
 * importing this file does not.
 */
export function prepareRequests(): boolean {
  canBeLazy ??= LazyRequest.prepare()
  return canBeLazy
}

/** Creates the `Request` of a peer's request. */
export function receivedRequest(parts: RequestParts): Request {
  return prepareRequests() ? (new LazyRequest(parts) as unknown as Request) : platformRequest(parts)
}
