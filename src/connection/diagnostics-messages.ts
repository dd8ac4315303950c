import type { Protocol } from '../stream/protocol.js'
import type { PeerStream } from './connection.js'

/** What the tracing channel `fastn-net:connect` publishes: a connection is wanted where none may be. */
export interface ConnectMessage {
  /** ID52 of this side. */
  readonly endpoint: string
  /** ID52 of the peer. */
  readonly peer: string
  /** Why it failed: from `error` on. */
  error?: unknown
  /** Of `endpoint.connect`, the Connection: from `asyncStart` on. */
  result?: unknown
}

/** What the tracing channel `fastn-net:stream` publishes: a stream is opened, or a handler of `listen` takes one. */
export interface StreamMessage {
  /** ID52 of this side. */
  readonly endpoint: string
  /** ID52 of the peer. */
  readonly peer: string
  /** What the stream is for. */
  readonly protocol: Protocol
  /** `'out'`: this side opens it, until it is open. `'in'`: the peer did, until its handler has ended. */
  readonly direction: 'in' | 'out'
  /** The stream: from `asyncStart` on for `'out'`, always for `'in'`. */
  stream?: PeerStream
  /** Why it failed: from `error` on. */
  error?: unknown
  /** The stream, or what the handler gave: from `asyncStart` on. */
  result?: unknown
}
