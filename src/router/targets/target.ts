import type { Duplex } from 'node:stream'
import type { RoutedExchange, RoutedRequest } from '../exchange.js'

/** Where requests go: what {@link RouterTarget} becomes once it is checked. */
export interface Target {
  /** What it is, for people. */
  readonly text: string
  /** Answers a request. A rejection is a failure of the target: the client gets status 500 or a reset. */
  answer(exchange: RoutedExchange): void | Promise<void>
  /** Takes over a connection that asks for another protocol. `undefined`: the target does not; the request is answered as it is. */
  readonly upgrade: ((routed: RoutedRequest, socket: Duplex, head: Buffer) => void) | undefined
  /** Closes the idle connections that the target keeps. */
  close(): void
}
