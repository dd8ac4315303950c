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
