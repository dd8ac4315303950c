import { native } from '../../native/addon.js'
import { defer } from './defer.js'

/** A stream that may live for a while. */
export interface WatchedStream {
  readonly handle: number
  readonly writeOver: boolean
}

// Open sending halves that are watched at once. Below the 100 streams that a Rust peer allows at once.
const maxUnwatched = 32
const afterMs = 50
let handles = new Float64Array(maxUnwatched)
let young: WatchedStream[] = []
let thinAt = maxUnwatched
let timer: NodeJS.Timeout | undefined

/**
 * Has the core watch a sending half that is still open after a while. So a STOP_SENDING releases the stream even if this side neither
 * finishes nor reads. Most streams end before, and cost nothing.
 */
export function watchLater(stream: WatchedStream): void {
  // Most new streams finish within a moment.
  if (young.push(stream) === thinAt) defer(thin)
  timer ??= setTimeout(watch, afterMs).unref()
}

/** Drops the streams that have ended. Watches at once if many sending halves are open. */
function thin(): void {
  young = young.filter(canSend)
  if (young.length >= maxUnwatched) watch()
  else thinAt = young.length + maxUnwatched
}

function watch(): void {
  clearTimeout(timer)
  timer = undefined
  thinAt = maxUnwatched
  if (young.length > handles.length) handles = new Float64Array(young.length * 2)
  let count = 0
  for (const stream of young) if (canSend(stream)) handles[count++] = stream.handle
  young = []
  if (count > 0) native().streamsWatch(handles, count)
}

function canSend({ writeOver }: WatchedStream): boolean {
  return !writeOver
}
