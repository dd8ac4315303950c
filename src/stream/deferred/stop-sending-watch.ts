import { native } from '../../native/binding.js'
import { soon } from '../../native/deferred.js'
import type { StreamCore } from '../core.js'
import { awaitAck } from './ack-timeouts.js'

// Fewer than the hundred streams that a Rust peer lets be open at once.
const most = 32
const afterMs = 50
let handles = new Float64Array(most)
let young: StreamCore[] = []
let thinAt = most
let timer: NodeJS.Timeout | undefined

/**
 * Lets the core watch the stream's sending half, if that is still open in a while: so the stream's places are given back when the
 * peer wants no more of it, although this side neither finishes nor reads. Where nobody waits for the peer's acknowledgement, that is
 * watched too. Most streams are over before, and cost nothing.
 */
export function watchLater(core: StreamCore): void {
  // What was just begun is mostly finished in a moment.
  if (young.push(core) === thinAt) soon(thin)
  timer ??= setTimeout(watch, afterMs).unref()
}

/** Forgets those that are over, and waits no longer where many can still be written. */
function thin(): void {
  let open = 0
  young = young.filter(core => {
    if (!core.writeOver) open++
    return isGoing(core)
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
  for (const core of young) {
    if (!core.writeOver) handles[count++] = core.handle
    if (core.awaitsAck && !core.over) awaitAck(core)
  }
  young = []
  if (count > 0) native().streamsWatch(handles, count)
}

/** Something of it would be watched. */
function isGoing({ writeOver, awaitsAck, over }: StreamCore): boolean {
  return !writeOver || (awaitsAck && !over)
}
