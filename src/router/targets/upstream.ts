import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Refusal } from '../refusal.js'

/** A request as it is sent. */
export interface UpstreamRequest {
  readonly method: string
  readonly path: string
  /** Names and values in turn. */
  readonly headers: string[]
}

/** An HTTP server that requests are passed on to. */
export interface Upstream {
  /** Host header in place of the client's. */
  readonly host: string | undefined
  /** How long it may take nothing of a request and give no answer, in milliseconds. */
  readonly responseTimeout: number
  /** Begins a request. */
  send(request: UpstreamRequest): ClientRequest
  /** What the client is told of a failure. */
  refusalOf(error: unknown): Refusal
}

/** The server did not answer in time. */
export class Late extends Error {}

/** Whether a request has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}
