import { native } from '../../native/binding.js'
import { localFailure } from '../../native/failure.js'
import type { StreamCore } from '../core.js'

// As many as the answer has bits.
const most = 32
const everyMs = 1000
// Swept as it doubles, so that a stream that is soon over costs next to nothing.
const smallest = 64

const handles = new Float64Array(most)
const batch: StreamCore[] = []
let awaited: StreamCore[] = []
let sweepAt = smallest
let timer: NodeJS.Timeout | undefined
let timerAt = Number.POSITIVE_INFINITY

/**
 * Lets go of a stream whose acknowledgement nobody waits for, if it has not come within the endpoint's `ackTimeout`: whatever waits
 * on the stream rejects then. Told of streams that have lived for a while; most streams have not.
 */
export function awaitAck(core: StreamCore): void {
  if (awaited.length >= sweepAt) {
    awaited = awaited.filter(isGoing)
    sweepAt = Math.max(smallest, awaited.length * 2)
  }
  const now = performance.now()
  core.ackBy = now + core.link.endpoint.options.ackTimeout
  awaited.push(core)
  arm(Math.min(core.ackBy, now + everyMs), now)
}

/** Without waiting for it more than for anything else: what waits on a stream keeps the process alive, not this. */
function arm(at: number, now: number): void {
  if (at >= timerAt) return
  clearTimeout(timer)
  timerAt = at
  timer = setTimeout(look, at - now).unref()
}

function look(): void {
  timerAt = Number.POSITIVE_INFINITY
  const now = performance.now()
  const all = awaited
  awaited = []
  let next = now + everyMs
  const ask = () => {
    const lacking = native().streamsUnacknowledged(handles, batch.length)
    for (const [at, core] of batch.entries()) {
      if (((lacking >>> at) & 1) === 0) continue
      if (core.ackBy <= now) giveUp(core)
      else {
        awaited.push(core)
        next = Math.min(next, core.ackBy)
      }
    }
    batch.length = 0
  }
  for (const core of all) {
    if (!isGoing(core)) continue
    handles[batch.length] = core.handle
    if (batch.push(core) === most) ask()
  }
  if (batch.length > 0) ask()
  if (awaited.length > 0) arm(next, now)
}

/** What the peer sees of it is what it sees of any stream that was cancelled. */
export function giveUp(core: StreamCore): void {
  const { ackTimeout } = core.link.endpoint.options
  core.fail(localFailure('ERR_ACK_TIMEOUT', abandonUnacknowledged(core, ackTimeout)))
}

/** Resets a stream that was not acknowledged within `timeout` ms. Returns the message of the error. */
export function abandonUnacknowledged(core: StreamCore, timeout: number): string {
  const isBlocked = native().streamGiveUp(core.handle)
  return isBlocked
    ? `the peer took no more bytes on the connection within ${timeout} ms: it must read or stop the other streams, whose unread data fills its receiveWindow`
    : `the peer did not acknowledge the stream within ${timeout} ms`
}

function isGoing(core: StreamCore): boolean {
  return !core.over
}
