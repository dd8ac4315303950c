/** Options of an endpoint that its connections and streams use, in milliseconds and bytes. */
export interface EndpointSettings {
  readonly openTimeout: number
  readonly closeTimeout: number
  readonly maxLineBytes: number
}

/** Defaults of {@link EndpointSettings}. */
export const endpointDefaults: EndpointSettings = {
  openTimeout: 30_000,
  closeTimeout: 5_000,
  maxLineBytes: 1_048_576
}

/**
 * Other default values, in milliseconds, bytes or counts. The core has those of the options that it obeys, in
 * `crates/fastn-net/src/config/limits.rs` and `tunnel/options.rs` there.
 */
export const defaults = {
  callTimeout: 10_000,
  gracefulTimeout: 5_000,
  ticketTimeout: 5_000,
  exitTimeout: 3_000,
  closeOnExitTimeout: 100,
  maxBodyBytes: 16_777_216,
  requests: {
    maxBytes: 16_777_216,
    maxOlderBytes: 1_048_576,
    maxRequestsPerPeer: 256,
    maxBytesPerPeer: 134_217_728
  },
  http: { maxHeaderBytes: 65_536, headTimeout: 10_000 },
  tcpConnectTimeout: 9_000,
  logFilter: 'warn,fastn_net=info',
  logBytes: 4_194_304
} as const
