import { native } from '../../native/addon.js'
import type { BindingError } from '../../native/binding-types.js'
import { localFailure } from '../../native/failure.js'
import type { Link } from '../endpoint-state.js'

/** A stream whose acknowledgement nobody waits for. */
export interface AwaitedStream {
  readonly handle: number
  readonly link: Link
  readonly over: boolean
  /** When the acknowledgement is overdue, by `performance.now()`. */
  ackBy: number
  fail(error: BindingError): void
}

// As many as the answer has bits.
const most = 32
const everyMs = 1000
// Swept as it doubles, so that a stream that is soon over costs next to nothing.
const smallest = 64

const handles = new Float64Array(most)
const batch: AwaitedStream[] = []
let awaited: AwaitedStream[] = []
let sweepAt = smallest
let timer: NodeJS.Timeout | undefined
let timerAt = Number.POSITIVE_INFINITY

/**
 * Lets go of a stream whose acknowledgement nobody waits for, if it has not come within the endpoint's `ackTimeout`: whatever waits
 * on the stream rejects then. Told of streams that have lived for a while; most streams have not.
 */
export function awaitAck(stream: AwaitedStream): void {
  if (awaited.length >= sweepAt) {
    awaited = awaited.filter(isGoing)
    sweepAt = Math.max(smallest, awaited.length * 2)
  }
  const now = performance.now()
  stream.ackBy = now + stream.link.endpoint.options.ackTimeout
  awaited.push(stream)
  arm(Math.min(stream.ackBy, now + everyMs), now)
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
    for (const [at, stream] of batch.entries()) {
      if (((lacking >>> at) & 1) === 0) continue
      if (stream.ackBy <= now) expireAck(stream)
      else {
        awaited.push(stream)
        next = Math.min(next, stream.ackBy)
      }
    }
    batch.length = 0
  }
  for (const stream of all) {
    if (!isGoing(stream)) continue
    handles[batch.length] = stream.handle
    if (batch.push(stream) === most) ask()
  }
  if (batch.length > 0) ask()
  if (awaited.length > 0) arm(next, now)
}

/** What the peer sees of it is what it sees of any stream that was cancelled. */
export function expireAck(stream: AwaitedStream): void {
  const { ackTimeout } = stream.link.endpoint.options
  stream.fail(localFailure('ERR_ACK_TIMEOUT', abandonUnacknowledged(stream, ackTimeout)))
}

/** Resets a stream that was not acknowledged within `timeout` ms. Returns the message of the error. */
export function abandonUnacknowledged(stream: AwaitedStream, timeout: number): string {
  const isBlocked = native().streamGiveUp(stream.handle)
  return isBlocked
    ? `the peer took no more bytes on the connection within ${timeout} ms: it must read or stop the other streams, whose unread data fills its receiveWindow`
    : `the peer did not acknowledge the stream within ${timeout} ms`
}

function isGoing(stream: AwaitedStream): boolean {
  return !stream.over
}
