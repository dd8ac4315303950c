import type { Field } from './head.js'

type Bytes = Uint8Array<ArrayBuffer>

/** A `Response` without its body. */
export interface ResponseHead {
  readonly status: number
  readonly statusText: string
  readonly fields: readonly Field[]
  readonly url: () => string
  readonly redirected: boolean
}

/** Runtimes that inspect the internals of a `Response`, where they must find the body. */
const looksInside = 'Bun' in globalThis || 'Deno' in globalThis

/** Creates the `Response` of a peer's answer. */
export function receivedResponse(head: ResponseHead, body: Bytes | ReadableStream<Bytes> | null): Response {
  const isWhole = body instanceof Uint8Array && !looksInside
  return (isWhole ? new WholeResponse(head, body) : new ReceivedResponse(head, body)) as unknown as Response
}

const platformHeaders = Object.getOwnPropertyDescriptor(Response.prototype, 'headers')?.get as (
  this: unknown
) => Headers

// In the types of Node.js, its members are properties, which a class cannot override with methods and accessors.
const PlatformResponse: new (
  body: Bytes | ReadableStream<Bytes> | null,
  init?: ResponseInit
) => Pick<Response, 'status' | 'statusText'> = Response

/** A `Response` with the requested URL, which a constructed one lacks. */
class ReceivedResponse extends PlatformResponse {
  readonly #head: ResponseHead
  #hasHeaders = false

  /** `fillsLater`: no method of the platform needs the headers before they are asked for. */
  constructor(head: ResponseHead, body: Bytes | ReadableStream<Bytes> | null, fillsLater = false) {
    const { status, statusText } = head
    // The platform takes longer for a status that it need not be told.
    if (status === 200 && statusText === '') super(body)
    else super(body, { status, statusText })
    this.#head = head
    if (!fillsLater) this.#fill(platformHeaders.call(this))
  }

  get headers(): Headers {
    const headers = platformHeaders.call(this)
    if (!this.#hasHeaders) this.#fill(headers)
    return headers
  }

  /** The platform checks each value again, which takes a while. */
  #fill(headers: Headers): void {
    this.#hasHeaders = true
    for (const [name, value] of this.#head.fields) headers.append(name, value)
  }

  get url(): string {
    return this.#head.url()
  }

  get redirected(): boolean {
    return this.#head.redirected
  }

  clone(): Response {
    return this.cloneOf(Response.prototype.clone.call(this))
  }

  protected cloneOf({ body }: Response): Response {
    const head = { ...this.#head, fields: [...this.headers] }
    return new ReceivedResponse(head, body as ReadableStream<Bytes> | null) as unknown as Response
  }
}

/**
 * A `Response` whose body has fully arrived. The platform reads each body through a stream, which dominates the cost of a small answer.
 * This class creates a stream only on demand.
 */
class WholeResponse extends ReceivedResponse {
  #bytes: Bytes
  #isUsed = false
  /** The platform's `Response`, created on demand. */
  #inner: Response | undefined

  constructor(head: ResponseHead, bytes: Bytes) {
    super(head, null, true)
    this.#bytes = bytes
  }

  get body(): ReadableStream<Bytes> | null {
    return this.#platform().body as ReadableStream<Bytes> | null
  }

  get bodyUsed(): boolean {
    return this.#inner?.bodyUsed ?? this.#isUsed
  }

  async text(): Promise<string> {
    return this.#isUntouched ? decoder.decode(this.#take()) : await this.#platform().text()
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#isUntouched ? this.#take().slice().buffer : await this.#platform().arrayBuffer()
  }

  async blob(): Promise<Blob> {
    return await this.#platform().blob()
  }

  async formData(): Promise<FormData> {
    return await this.#platform().formData()
  }

  override clone(): Response {
    return this.cloneOf(this.#platform().clone())
  }

  get #isUntouched(): boolean {
    return this.#inner === undefined && !this.#isUsed
  }

  #take(): Bytes {
    const bytes = this.#bytes
    this.#bytes = none
    this.#isUsed = true
    return bytes
  }

  #platform(): Response {
    if (this.#inner !== undefined) return this.#inner
    const type = this.headers.get('content-type')
    const wasUsed = this.#isUsed
    const inner = new Response(this.#take(), { headers: type === null ? [] : [['content-type', type]] })
    // Mark the body as used, because it was already read.
    if (wasUsed) void inner.arrayBuffer()
    this.#inner = inner
    return inner
  }

  static {
    // Body methods of newer platforms, such as `bytes`.
    for (const name of Object.getOwnPropertyNames(Response.prototype)) {
      const { value } = Object.getOwnPropertyDescriptor(Response.prototype, name) as { value?: unknown }
      if (typeof value !== 'function' || Object.hasOwn(WholeResponse.prototype, name) || name === 'constructor')
        continue
      const method = function (this: WholeResponse, ...args: unknown[]): unknown {
        return Reflect.apply(value, this.#platform(), args)
      }
      Object.defineProperty(WholeResponse.prototype, name, { value: method, configurable: true, writable: true })
    }
  }
}

const none: Bytes = new Uint8Array(0)
const decoder = new TextDecoder()
