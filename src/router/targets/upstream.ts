import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Refusal } from '../refusal.js'

/** An outgoing request. */
export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  /** Alternating names and values. */
  readonly headers: string[]
}

/** An HTTP server that receives forwarded requests. */
export interface Upstream {
  /** Replaces the client's `Host` header. */
  readonly host: string | undefined
  /** How long it may neither read the request nor respond, in milliseconds. */
  readonly responseTimeout: number
  /** Starts a request. */
  send(request: UpstreamRequest): ClientRequest
  /** The response to the client after a failure. */
  refusalOf(error: unknown): Refusal
}

/** The server did not respond in time. */
export class Late extends Error {}

/** Whether a request has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}
