import { native } from '../../native/binding.js'
import { soon } from '../../native/deferred.js'
import type { StreamCore } from '../core.js'

let finished: StreamCore[] = []

/**
 * Lets the core look for the end of a stream that this side has finished and that nobody reads by then: so the stream's place is
 * given back although its answer is never read. Whoever reads at once has looked already.
 */
export function readAheadLater(core: StreamCore): void {
  if (finished.push(core) === 1) soon(readAhead)
}

function readAhead(): void {
  const cores = finished
  finished = []
  for (const core of cores) {
    if (!core.readOver && !core.reading) native().streamIdle(core.handle % 0x1000000)
  }
}
