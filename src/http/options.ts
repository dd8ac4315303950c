import { FastnNetError, type Protocol } from '../errors.js'
import { defaults } from '../settings.js'
import { setConstant } from '../stream/protocol.js'
import { BoundedMap } from '../util/bounded-map.js'
import { unicodePattern } from '../util/unicode.js'
import { checkOptions, checkSignal, invalid, kindOf, type OptionNames, oneOf, positive } from '../util/validate.js'

/**
 * Options of {@link Endpoint.fetch}: those of the global `fetch`, and a few more. Others are `ERR_INVALID_ARGUMENT`, such as `timeout`: pass
 * `signal: AbortSignal.timeout(ms)`. For a library that adds some of its own, pass `new Request(input, init)` on, which drops them.
 *
 * These have no effect between peers: `cache`, `credentials`, `dispatcher`, `duplex`, `keepalive`, `mode`, `priority`, `referrer`,
 * `referrerPolicy` and `window`. `integrity` is refused.
 */
export interface FetchOptions extends Omit<RequestInit, 'body'> {
  /** Body, as for the global `fetch`. An async iterable of `Uint8Array` is streamed. */
  body?: RequestInit['body'] | AsyncIterable<Uint8Array> | null
  /** Name of the peer's service. Default: `''`. */
  service?: string | undefined
  /** Maximum head of the answer, in bytes. Default: 64 KiB. */
  maxHeaderBytes?: number | undefined
  /** Maximum body of the answer, in bytes; reading more fails with `ERR_TOO_LARGE`. Default: no limit. */
  maxBodyBytes?: number | undefined
}

/** Names of {@link FetchOptions}, and those of the global `fetch` that not every version of its types has. */
const fetchNames: OptionNames<FetchOptions> & Readonly<Record<'cache' | 'priority', true>> = {
  service: true,
  maxHeaderBytes: true,
  maxBodyBytes: true,
  method: true,
  headers: true,
  body: true,
  signal: true,
  redirect: true,
  cache: true,
  credentials: true,
  dispatcher: true,
  duplex: true,
  integrity: true,
  keepalive: true,
  mode: true,
  priority: true,
  referrer: true,
  referrerPolicy: true,
  window: true
}

/**
 * Checks the arguments of a `fetch`. Method, headers and body are left to the platform.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function checkFetch(input: unknown, init: FetchOptions): FetchOptions {
  if (!isTarget(input)) throw invalid('input', `a path, a URL or a Request, not ${kindOf(input)}: write '/path'`)
  if (typeof (init as unknown) === 'object' && (init as object | null) !== null && Object.hasOwn(init, 'timeout'))
    throw new FastnNetError(
      'ERR_INVALID_ARGUMENT',
      "unknown option 'timeout' in init: write signal: AbortSignal.timeout(ms)"
    )
  const { redirect, integrity, maxHeaderBytes, maxBodyBytes } = checkOptions(init, fetchNames, 'init')
  if (redirect !== undefined) oneOf(['follow', 'error', 'manual'], redirect, 'init.redirect')
  if (integrity) throw invalid('init.integrity', 'absent: it is not supported')
  sizeOf(maxHeaderBytes, 'maxHeaderBytes', 0)
  sizeOf(maxBodyBytes, 'maxBodyBytes', 0)
  return init
}

/** Whether it is a string, a URL, or a `Request` of any realm or library. */
function isTarget(input: unknown): boolean {
  if (typeof input !== 'object' || input === null) return typeof input === 'string'
  return input instanceof URL || typeof (input as { url?: unknown }).url === 'string'
}

/** Second argument of a handler of {@link Endpoint.serveHttp}. */
export interface HttpContext {
  /** ID52 of the peer that sent the request, authenticated by the handshake. */
  readonly peer: string
}

/** Answers a request. Hono's `app.fetch` and other handlers of the Fetch API have this shape. */
export type HttpHandler = (request: Request, context: HttpContext) => Response | Promise<Response>

/** Options of {@link Endpoint.serveHttp}. */
export interface ServeHttpOptions {
  /** Name of the service. An endpoint serves any number of names. Default: `''`. */
  service?: string | undefined
  /** Stops serving, without an error. Running handlers continue. */
  signal?: AbortSignal | undefined
  /**
   * Receives errors of handlers, after the caller got status 500, and of their bodies. Default: a process warning, once per error code,
   * but none for an error that only tells that the caller has left, that this endpoint was closed, or that a `Graceful` shuts
   * down.
   */
  onError?: ((error: unknown, context: HttpContext) => unknown) | undefined
  /** Maximum head of a request, in bytes; longer ones get status 431. Default: 64 KiB. */
  maxHeaderBytes?: number | undefined
  /** Maximum body of a request, in bytes; longer ones get status 413. `Infinity`: no limit. Default: 16 MiB. */
  maxBodyBytes?: number | undefined
  /** Timeout for a request's head, in milliseconds, including the next one on a stream. Default: 10 s. */
  headTimeout?: number | undefined
}

/** Names of {@link ServeHttpOptions}. */
const serveNames: OptionNames<ServeHttpOptions> = {
  service: true,
  signal: true,
  onError: true,
  maxHeaderBytes: true,
  maxBodyBytes: true,
  headTimeout: true
}

/** Checked options with defaults filled in. */
export interface ResolvedServeHttp {
  readonly protocol: Protocol
  /** Whether the service has no name, as older peers require. */
  readonly hasName: boolean
  readonly handler: HttpHandler
  readonly signal: AbortSignal | undefined
  readonly onError: ServeHttpOptions['onError']
  readonly maxHeaderBytes: number
  readonly maxBodyBytes: number
  readonly headTimeout: number
}

/** Checks the arguments of `serveHttp`. */
export function resolveServeHttp(handler: HttpHandler, options: ServeHttpOptions): ResolvedServeHttp {
  if (typeof handler !== 'function') throw invalid('handler', 'a function')
  const { service, signal, onError, maxHeaderBytes, maxBodyBytes, headTimeout } = checkOptions(options, serveNames)
  if (onError !== undefined && typeof onError !== 'function') throw invalid('options.onError', 'a function')
  return {
    protocol: httpProtocol(service),
    hasName: (service ?? '') !== '',
    handler,
    signal: checkSignal(signal),
    onError,
    maxHeaderBytes: sizeOf(maxHeaderBytes, 'maxHeaderBytes', defaults.http.maxHeaderBytes),
    maxBodyBytes: sizeOf(maxBodyBytes, 'maxBodyBytes', defaults.maxBodyBytes),
    headTimeout: sizeOf(headTimeout, 'headTimeout', defaults.http.headTimeout)
  }
}

/** Checks a limit that may be `Infinity`. */
export function sizeOf(value: number | undefined, name: string, otherwise: number): number {
  if (value === undefined) return otherwise
  return value === Number.POSITIVE_INFINITY ? value : positive(value, `options.${name}`)
}

const protocols = new BoundedMap<string, Exclude<Protocol, string>>(256)
const maxName = 255
const controls = unicodePattern(String.raw`\p{Cc}`)

/** The protocol of an HTTP service. */
export function httpProtocol(service = ''): Protocol {
  const known = protocols.get(service)
  if (known !== undefined) return known
  if (typeof service !== 'string' || controls().test(service) || new TextEncoder().encode(service).length > maxName)
    throw invalid('options.service', `a string of at most ${maxName} bytes without control characters`)
  const protocol = Object.freeze({ Generic: Object.freeze({ fastn: 'http', service }) })
  setConstant(protocol)
  protocols.set(service, protocol)
  return protocol
}
