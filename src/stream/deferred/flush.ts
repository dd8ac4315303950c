import { native } from '../../native/binding.js'
import { soon } from '../../native/deferred.js'

const waiting = new Float64Array(1024)
let count = 0

/**
 * A stream's header, or its acknowledgement, waits a moment with small first bytes for the stream's end, or for whoever reads: so a
 * request and its header are one packet.
 */
export function flushLater(handle: number): void {
  if (count === 0) soon(flush)
  else if (count === waiting.length) flush()
  waiting[count++] = handle
}

function flush(): void {
  native().streamsFlush(waiting, count)
  count = 0
}
