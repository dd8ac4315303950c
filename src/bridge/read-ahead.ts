import { native } from '../native.js'
import type { StreamCore } from './stream-core.js'
import { atTurnEnd } from './turn.js'

let finished: StreamCore[] = []

/**
 * Lets the core look for the end of a stream that this side has finished and that nobody reads at the end of this turn of the event
 * loop: so the stream's place is given back although its answer is never read. Whoever reads at once has looked already.
 */
export function readAheadLater(core: StreamCore): void {
  if (finished.push(core) === 1) atTurnEnd(readAhead)
}

function readAhead(): void {
  const cores = finished
  finished = []
  for (const core of cores) {
    if (!core.readOver && !core.reading) native().streamIdle(core.handle % 0x1000000)
  }
}
