import { Buffer } from 'node:buffer'

// Node.js 20 and 22 keep the state of a `Response` under a symbol, and in it what its body was made of.
const state = Reflect.ownKeys(new Response('')).find(key => typeof key === 'symbol' && key.description === 'state')

/**
 * The bytes that a body was made of, if the platform keeps them: they need not be read through a stream, which costs more than the rest of
 * a small answer. Locks the body. The body must not be locked or used.
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

/** Whether it is a response that can be sent. That of an error (`Response.error()`) has status 0. */
export function isResponse(value: unknown): value is Response {
  const { status, headers, bodyUsed, body } = (value ?? {}) as Partial<Response>
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) return false
  return headers !== undefined && Symbol.iterator in headers && bodyUsed !== true && body?.locked !== true
}
