/** How much a record matters. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** One thing that the native side tells of its work. */
export interface LogRecord {
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number
  /** How much it matters. */
  readonly level: LogLevel
  /** Who says it: `fastn_net::…` for this library, `iroh::…`, `noq::…` and others for its transport. */
  readonly target: string
  /** What is said, for a person. */
  readonly message: string
  /**
   * What it is about, with what the spans around it say. This library's own have `peer` (ID52), `connection` and `stream`
   * (numbers), where they apply. Whole numbers beyond 2^53 are texts.
   */
  readonly fields: { readonly [name: string]: string | number | boolean }
  /** Only where records were lost, in their place: how many, for they came faster than the logger took them. */
  readonly dropped?: number
}
