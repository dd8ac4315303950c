import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Field } from '../http/head.js'
import type { Caller } from './caller.js'

/** A request that the router passes on. */
export interface RoutedRequest {
  readonly request: IncomingMessage
  readonly caller: Caller
  /** Host and port that the client asked for. */
  readonly authority: string
  /** Path and query. */
  readonly path: string
  /** Without the fields of the connection, and without what the client claims about itself. The first is `host`. */
  readonly fields: readonly Field[]
}

/** Such a request, and its answer. */
export interface RoutedExchange extends RoutedRequest {
  readonly response: ServerResponse
  /** The client sends the body once it gets status 100. */
  readonly expectsContinue: boolean
}
