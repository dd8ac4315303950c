import type { OptionNames } from '../util/option-names.js'

/**
 * How a peer is dialled. A dial that failed is followed by another one as long as somebody waits: a call within its own time, or
 * {@link Endpoint.keep}. The delay before it is a random part (full jitter) of what doubles with each failure. A peer that does not
 * let this key in, or speaks no protocol of this library, is not dialled again; nor is one whose address nothing tells.
 */
export interface ConnectOptions {
  /** How often one call dials again after its first dial failed; 0: never. Default: as often as its time allows. */
  retries?: number | undefined
  /** The longest delay behind the first failure, in milliseconds. Default: 100. */
  minDelay?: number | undefined
  /** The longest delay of all, in milliseconds. Default: 30 s. */
  maxDelay?: number | undefined
  /** One dial, in milliseconds. Default: 10 s. */
  attemptTimeout?: number | undefined
}

/** The names of {@link ConnectOptions}. */
export const connectNames: OptionNames<ConnectOptions> = {
  retries: true,
  minDelay: true,
  maxDelay: true,
  attemptTimeout: true
}
