import type { Duplex } from 'node:stream'
import type { RoutedExchange, RoutedRequest } from '../exchange.js'

/** A checked {@link RouterTarget}. */
export interface Target {
  /** Description for display. */
  readonly text: string
  /** Answers a request. On rejection, the client gets status 500 or a reset. */
  answer(exchange: RoutedExchange): void | Promise<void>
  /** Handles an upgrade. `undefined` if the target does not support upgrades; the request is then answered normally. */
  readonly upgrade: ((routed: RoutedRequest, socket: Duplex, head: Buffer) => void) | undefined
  /** Closes pooled connections. */
  close(): void
}
