import { Buffer } from 'node:buffer'

/** Internal state of a `Response` in Node.js 20 and 22. */
interface ResponseState {
  readonly body?: { readonly stream?: object; readonly source?: unknown } | null
}

/** Internal state of a `ReadableStream` there. */
interface StreamState {
  disturbed: boolean
  readonly reader: unknown
}

/** Symbols of both states. */
interface Keys {
  readonly response: symbol
  readonly stream: symbol
}

/** `undefined` on other platforms, `null` before the first use: Node.js takes 20 ms to load `Response`. */
let keys: Keys | null | undefined = null

/**
 * The source bytes of a body, if the platform stores them. Avoids reading through a stream, which dominates the cost of a small answer.
 * Marks the body as used. `undefined` if it was used before.
 *
 * Accesses the stream once: in Node.js 20, V8 cannot cache property accesses of a `ReadableStream`, because each one has a shape of its own.
 */
export function sourceOf(response: unknown): Uint8Array | undefined {
  if (!(response instanceof Response)) return undefined
  if (keys === null) keys = keysOf(new Response('a body'))
  if (keys === undefined) return undefined
  const { stream, source } = (Reflect.get(response, keys.response) as ResponseState | undefined)?.body ?? {}
  if (stream === undefined || (typeof source !== 'string' && !(source instanceof Uint8Array))) return undefined
  // A subclass may have another body.
  if (response.body !== stream) return undefined
  const state = Reflect.get(stream, keys.stream) as StreamState | undefined
  if (state?.disturbed !== false || state.reader !== undefined) return undefined
  state.disturbed = true
  return typeof source === 'string' ? Buffer.from(source) : source
}

/** Whether the value is a sendable response. `Response.error()` has status 0. */
export function isResponse(value: unknown): value is Response {
  const { status, headers, bodyUsed, body } = (value ?? {}) as Partial<Response>
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) return false
  return headers !== undefined && Symbol.iterator in headers && bodyUsed !== true && body?.locked !== true
}

/** `probe` is used up. */
function keysOf(probe: Response): Keys | undefined {
  const [response, stream] = [symbolOf(probe, 'state'), symbolOf(probe.body, 'kState')]
  if (probe.body === null || response === undefined || stream === undefined) return undefined
  const state = Reflect.get(probe.body, stream) as Partial<StreamState> | undefined
  if (state?.disturbed !== false || !('reader' in state) || state.reader !== undefined) return undefined
  state.disturbed = true
  return probe.bodyUsed ? { response, stream } : undefined
}

function symbolOf(object: object | null, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(object ?? {}).find(key => key.description === description)
}
