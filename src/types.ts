import { checkOptions, type OptionNames } from './util/option-names.js'

/** Options of a call that can be cancelled. */
export interface CancelOptions {
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Options of a read into the caller's own buffer. */
export interface ReadIntoOptions extends CancelOptions {
  /** Where the bytes go: not empty, not shared, not detached. Leave it alone until the read settles. */
  into: Uint8Array
}

/** Options of reading lines. */
export interface LineOptions extends CancelOptions {
  /** Longest line in bytes, without its end. Default: the endpoint's `lineBytes`, 1 MiB. */
  maxBytes?: number | undefined
}

/** Options of a call with a time limit. */
export interface TimeoutOptions extends CancelOptions {
  /** Milliseconds. A fraction is rounded up, 0 means at once, `Infinity` means no limit. */
  timeout?: number | undefined
}

/** The names of {@link CancelOptions}. */
export const cancelNames: OptionNames<CancelOptions> = { signal: true }
/** The names of {@link ReadIntoOptions}. */
export const readNames: OptionNames<ReadIntoOptions> = { ...cancelNames, into: true }
/** The names of {@link LineOptions}. */
export const lineNames: OptionNames<LineOptions> = { ...cancelNames, maxBytes: true }
/** The names of {@link TimeoutOptions}. */
export const timeoutNames: OptionNames<TimeoutOptions> = { ...cancelNames, timeout: true }

/** The signal of a call that takes no other option. */
export function signalOf(options: CancelOptions): AbortSignal | undefined {
  return checkOptions(options, cancelNames).signal
}
