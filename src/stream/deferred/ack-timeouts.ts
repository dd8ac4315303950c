import { native } from '../../native/addon.js'
import type { BindingError } from '../../native/binding-types.js'
import { localFailure } from '../../native/failure.js'
import type { Link } from '../endpoint-state.js'

/** A stream that was opened without waiting for the ack. */
export interface AwaitedStream {
  readonly handle: number
  readonly link: Link
  readonly over: boolean
  /** Deadline of the ack, on the clock of `performance.now()`. */
  ackBy: number
  fail(error: BindingError): void
}

// One bit of the answer each.
const most = 32
const everyMs = 1000
// Ended streams are swept out whenever the list has doubled, so a short stream costs next to nothing.
const smallest = 64

const handles = new Float64Array(most)
const batch: AwaitedStream[] = []
let awaited: AwaitedStream[] = []
let sweepAt = smallest
let timer: NodeJS.Timeout | undefined
let timerAt = Number.POSITIVE_INFINITY

/**
 * Ends a stream with `ERR_ACK_TIMEOUT` unless its ack arrives within the endpoint's `ackTimeout`. Called only for streams that have
 * lived for a while; most have ended before.
 */
export function awaitAck(stream: AwaitedStream): void {
  if (awaited.length >= sweepAt) {
    awaited = awaited.filter(hasNotEnded)
    sweepAt = Math.max(smallest, awaited.length * 2)
  }
  const now = performance.now()
  stream.ackBy = now + stream.link.endpoint.options.ackTimeout
  awaited.push(stream)
  arm(Math.min(stream.ackBy, now + everyMs), now)
}

/** The timer does not keep the process alive: calls that wait on a stream do. */
function arm(at: number, now: number): void {
  if (at >= timerAt) return
  clearTimeout(timer)
  timerAt = at
  timer = setTimeout(checkAcks, at - now).unref()
}

function checkAcks(): void {
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
    if (!hasNotEnded(stream)) continue
    handles[batch.length] = stream.handle
    if (batch.push(stream) === most) ask()
  }
  if (batch.length > 0) ask()
  if (awaited.length > 0) arm(next, now)
}

/** Resets the stream, as a cancelled one, and fails the calls that wait on it. */
function expireAck(stream: AwaitedStream): void {
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

function hasNotEnded(stream: AwaitedStream): boolean {
  return !stream.over
}
