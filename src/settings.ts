/** Default values, in milliseconds, bytes or counts. A golden file compares them with those of the Rust crate. */
export const defaults = {
  openTimeout: 30_000,
  authorize: { timeout: 5_000, maxPending: 4_096, maxPendingPerPeer: 1_024 },
  connect: { minDelay: 100, maxDelay: 30_000, attemptTimeout: 10_000 },
  ackTimeout: 10_000,
  pingTimeout: 5_000,
  callTimeout: 10_000,
  headerTimeout: 10_000,
  closeTimeout: 5_000,
  ticketTimeout: 5_000,
  exitTimeout: 3_000,
  closeOnExitTimeout: 100,
  idleTimeout: 60_000,
  maxHeaderBytes: 65_536,
  maxLineBytes: 1_048_576,
  maxBodyBytes: 16_777_216,
  requests: {
    maxBytes: 16_777_216,
    maxOlderBytes: 1_048_576,
    maxRequestsPerPeer: 256,
    maxBytesPerPeer: 67_108_864
  },
  tunnels: { connectTimeout: 9_000, flowTimeout: 60_000, maxConnections: 4_096 },
  receiveWindow: 16_777_216,
  receiveWindowPerPeer: 67_108_864,
  maxStreams: 1_024,
  maxStreamsPerPeer: 8_192,
  maxStreamsTotal: 262_144,
  maxConnections: 10_000,
  maxConnectionsPerPeer: 64,
  maxQueuedStreams: 1_024,
  maxQueuedStreamsPerPeer: 256,
  logFilter: 'warn,fastn_net=info',
  logBytes: 4_194_304
} as const

/** Options of an endpoint that its connections and streams use, in milliseconds and bytes. */
export interface EndpointSettings {
  readonly openTimeout: number
  readonly closeTimeout: number
  readonly maxLineBytes: number
}
