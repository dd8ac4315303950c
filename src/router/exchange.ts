import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Field } from '../http/head.js'
import type { Caller } from './caller.js'

/** A request to forward. */
export interface RoutedRequest {
  readonly request: IncomingMessage
  readonly caller: Caller
  /** Requested host and port. */
  readonly authority: string
  /** Path and query. */
  readonly path: string
  /** Without hop-by-hop and identity fields. The first is `host`. */
  readonly fields: readonly Field[]
}

/** A request to forward, and its response. */
export interface RoutedExchange extends RoutedRequest {
  readonly response: ServerResponse
  /** The client waits for status 100 before it sends the body. */
  readonly expectsContinue: boolean
}
