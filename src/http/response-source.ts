import { Buffer } from 'node:buffer'

// Node.js 20 and 22 store the state of a `Response` under a symbol, including the source of its body.
const state = Reflect.ownKeys(new Response('')).find(key => typeof key === 'symbol' && key.description === 'state')

/**
 * The source bytes of a body, if the platform stores them. Avoids reading through a stream, which dominates the cost of a small answer.
 * Locks the body, which must not be locked or used.
 */
export function sourceOf(response: Response): Uint8Array | undefined {
  if (state === undefined || !(response instanceof Response)) return undefined
  const { body } = response
  const inner = Reflect.get(response, state) as { body?: { stream?: unknown; source?: unknown } | null } | undefined
  const source = inner?.body?.source
  if (body === null || inner?.body?.stream !== body) return undefined
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) return undefined
  body.getReader()
  return typeof source === 'string' ? Buffer.from(source) : source
}

/** Whether the value is a sendable response. `Response.error()` has status 0. */
export function isResponse(value: unknown): value is Response {
  const { status, headers, bodyUsed, body } = (value ?? {}) as Partial<Response>
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) return false
  return headers !== undefined && Symbol.iterator in headers && bodyUsed !== true && body?.locked !== true
}
