import type { Protocol } from '../stream/protocol.js'
import type { PeerStream } from './connection.js'

/** Message of the tracing channel `fastn-net:connect`: `connect`, or `getStream` without a live connection. */
export interface ConnectMessage {
  /** ID52 of this endpoint. */
  readonly endpoint: string
  /** ID52 of the peer. */
  readonly peer: string
  /** Failure. Set from `error` on. */
  error?: unknown
  /** The {@link Connection}, for `connect` only. Set from `asyncStart` on. */
  result?: unknown
}

/** Message of the tracing channel `fastn-net:stream`: this side opens a stream, or a handler of `listen` runs. */
export interface StreamMessage {
  /** ID52 of this endpoint. */
  readonly endpoint: string
  /** ID52 of the peer. */
  readonly peer: string
  /** Protocol of the stream. */
  readonly protocol: Protocol
  /** `'out'`: this side opens the stream; ends once it is open. `'in'`: a handler serves a peer's stream; ends with the handler. */
  readonly direction: 'in' | 'out'
  /** The stream. Set from `asyncStart` on for `'out'`, always for `'in'`. */
  stream?: PeerStream
  /** Failure. Set from `error` on. */
  error?: unknown
  /** The stream for `'out'`, the handler's result for `'in'`. Set from `asyncStart` on. */
  result?: unknown
}
