import { native } from '../../native/addon.js'
import { type AwaitedStream, awaitAck } from './ack-timeouts.js'
import { defer } from './defer.js'

/** A stream that may live for a while. */
export interface WatchedStream extends AwaitedStream {
  readonly writeOver: boolean
  /** It was opened without waiting for the acknowledgement. */
  readonly awaitsAck: boolean
}

// Fewer than the hundred streams that a Rust peer lets be open at once.
const most = 32
const afterMs = 50
let handles = new Float64Array(most)
let young: WatchedStream[] = []
let thinAt = most
let timer: NodeJS.Timeout | undefined

/**
 * Lets the core watch the stream's sending half, if that is still open in a while: so the stream's places are given back when the
 * peer wants no more of it, although this side neither finishes nor reads. Where nobody waits for the peer's acknowledgement, that is
 * watched too. Most streams are over before, and cost nothing.
 */
export function watchLater(stream: WatchedStream): void {
  // What was just begun is mostly finished in a moment.
  if (young.push(stream) === thinAt) defer(thin)
  timer ??= setTimeout(watch, afterMs).unref()
}

/** Forgets those that are over, and waits no longer where many can still be written. */
function thin(): void {
  let open = 0
  young = young.filter(stream => {
    if (!stream.writeOver) open++
    return isGoing(stream)
  })
  if (open >= most) watch()
  else thinAt = young.length + most
}

function watch(): void {
  clearTimeout(timer)
  timer = undefined
  thinAt = most
  if (young.length > handles.length) handles = new Float64Array(young.length * 2)
  let count = 0
  for (const stream of young) {
    if (!stream.writeOver) handles[count++] = stream.handle
    if (stream.awaitsAck && !stream.over) awaitAck(stream)
  }
  young = []
  if (count > 0) native().streamsWatch(handles, count)
}

/** Something of it would be watched. */
function isGoing({ writeOver, awaitsAck, over }: WatchedStream): boolean {
  return !writeOver || (awaitsAck && !over)
}
