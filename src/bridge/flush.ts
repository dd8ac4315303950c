import { native } from '../native.js'

const waiting = new Float64Array(1024)
let count = 0

/**
 * A stream's header, or its acknowledgement, waits with small first bytes until the end of this turn of the event loop: so a request
 * and its header are one packet, and all that a turn finishes is sent with one wake of the thread that sends it.
 */
export function flushLater(handle: number): void {
  if (count === 0) setImmediate(flush)
  else if (count === waiting.length) flush()
  waiting[count++] = handle
}

function flush(): void {
  native().streamsFlush(waiting, count)
  count = 0
}
