import { Buffer } from 'node:buffer'
import { isBytes, isShared } from '../util/bytes.js'
import { invalid } from '../util/validate.js'
import type { FetchOptions } from './options.js'
import { isPlainPath } from './request-target.js'

/** A request, ready to be sent. */
export interface Message {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Origin of the given URL; undefined: the peer's ID52 is the host. */
  readonly origin: string | undefined
  readonly headers: Headers
  readonly body: Uint8Array | ReadableStream<Uint8Array> | null
}

const plainMethod = /^(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS)$/
const bodyFields = ['content-type', 'content-encoding', 'content-language', 'content-location']

/** The message of a `fetch`. */
export function messageOf(input: string | URL | Request, init: FetchOptions): Message {
  const to = targetOf(input)
  if (!(input instanceof Request)) {
    const message = plainMessage(to, init)
    if (message !== undefined) return message
  }
  const { service, maxHeaderBytes, maxBodyBytes, signal, ...rest } = init
  const from = input instanceof Request ? input : `http://peer${to.target}`
  const defined = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  const request = new Request(from, { ...defined, duplex: 'half' } as RequestInit)
  return { method: request.method, ...to, headers: request.headers, body: request.body }
}

/** A message without a `Request`, which would dominate the cost of a small request. */
function plainMessage(
  to: Pick<Message, 'target' | 'origin'>,
  { method: given = 'GET', headers: fields, body = null }: FetchOptions
): Message | undefined {
  const method = typeof given === 'string' ? given.toUpperCase() : ''
  // Let the platform report other methods. It keeps `patch` in lower case.
  if (!plainMethod.test(method) || (method === 'PATCH' && given !== method)) return undefined
  if (body === null) return { method, ...to, headers: new Headers(fields ?? undefined), body }
  if (method === 'GET' || method === 'HEAD') return undefined
  if (typeof body !== 'string' && (!isBytes(body) || isShared(body) || body.length === 0)) return undefined
  const headers = new Headers(fields ?? undefined)
  if (typeof body === 'string' && !headers.has('content-type')) headers.set('content-type', 'text/plain;charset=UTF-8')
  // A copy: the caller may change it while the peer is dialled.
  return { method, ...to, headers, body: typeof body === 'string' ? Buffer.from(body) : new Uint8Array(body) }
}

/** The host of a URL is used only for the Host header: the request goes to the peer. */
function targetOf(input: string | URL | Request): Pick<Message, 'target' | 'origin'> {
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url
  if (isPlainPath(text)) return { target: text, origin: undefined }
  const isPath = text.startsWith('/')
  const url = URL.canParse(isPath ? `http://peer${text}` : text) ? new URL(isPath ? `http://peer${text}` : text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw invalid('path', "a path such as '/items?page=2', or a URL with http")
  return { target: `${url.pathname}${url.search}`, origin: isPath ? undefined : url.origin }
}

/**
 * The request for a redirect; undefined if the answer is not a redirect or must not be followed. `sent`: the body of the request, if it was
 * sent in one piece.
 */
export function redirected(message: Message, response: Response, sent: Uint8Array | undefined): Message | undefined {
  const { status, url } = response
  if (status < 301 || (status > 303 && status !== 307 && status !== 308)) return undefined
  const location = response.headers.get('location')
  if (location === null || !URL.canParse(location, url)) return undefined
  const next = new URL(location, url)
  if (next.origin !== new URL(url).origin) return undefined
  const to = { ...message, target: `${next.pathname}${next.search}` }
  const isPost = message.method === 'POST' && status <= 302
  const becomesGet = isPost || (status === 303 && message.method !== 'GET' && message.method !== 'HEAD')
  if (becomesGet) {
    const headers = new Headers(message.headers)
    for (const name of bodyFields) headers.delete(name)
    return { ...to, method: 'GET', headers, body: null }
  }
  if (message.body === null) return to
  // A stream cannot be replayed.
  return sent === undefined ? undefined : { ...to, body: sent }
}
