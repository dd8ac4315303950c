import { native } from '../native.js'
import { awaitAck } from './ack-watch.js'
import type { StreamCore } from './stream-core.js'

// Fewer than the hundred streams that a Rust peer lets be open at once.
const most = 32
const afterMs = 50
const handles = new Float64Array(most)
let young: StreamCore[] = []
let timer: NodeJS.Timeout | undefined

/**
 * Lets the core watch the stream's sending half, if that is still open in a while: so the stream's places are given back when the
 * peer wants no more of it, although this side neither finishes nor reads. Where nobody waits for the peer's acknowledgement, that is
 * watched too. Most streams are over before, and cost nothing.
 */
export function watchLater(core: StreamCore): void {
  if (young.push(core) >= most) watch()
  else timer ??= setTimeout(watch, afterMs).unref()
}

function watch(): void {
  clearTimeout(timer)
  timer = undefined
  let count = 0
  for (const core of young) {
    if (!core.writeOver) handles[count++] = core.handle
    if (core.awaitsAck && !core.over) awaitAck(core)
  }
  young = []
  if (count > 0) native().streamsWatch(handles, count)
}
