import type { Protocol } from '../errors.js'

/** Message of the tracing channel `fastn-net:request`: this side calls a peer, or a handler of `serve` runs. */
export interface RequestMessage {
  /** ID52 of this endpoint. */
  readonly endpoint: string
  /** ID52 of the peer. */
  readonly peer: string
  /** Protocol of the request. */
  readonly protocol: Protocol
  /** `'out'`: this side calls; ends when the answer begins. `'in'`: a handler serves a peer's request; ends with the handler. */
  readonly direction: 'in' | 'out'
  /** Failure. Set from `error` on. */
  error?: unknown
  /** The answer, or what the handler returned. Set from `asyncStart` on. */
  result?: unknown
}
