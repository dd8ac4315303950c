import { native } from '../native/addon.js'
import { answerOf, FAILED, PENDING, RETRY } from '../native/binding.js'
import type { BindingOutcome } from '../native/binding-types.js'
import { type Context, lastFailure, localFailure } from '../native/failure.js'
import { outcomeOf } from '../native/operations.js'
import { always, waitForWake, wakeWord } from '../native/wakeups.js'
import type { OpenOptions } from '../types.js'
import { type Watched, watched } from '../util/diagnostics.js'
import { checkSignal, oneOf, optional, throwIfAborted, timeLimit } from '../util/validate.js'
import { flushLater } from './deferred/defer.js'
import type { EndpointState } from './endpoint-state.js'
import { cancelled } from './failure-codes.js'
import { headerOf, lineWithExtra } from './header.js'
import type { Opener } from './opener.js'
import type { Protocol } from './protocol.js'
import { StreamState } from './stream-state.js'

/** How the core opens a stream, as bits: `open_options` in the binding. */
const openFlags = { extra: 1, awaitAck: 2, retry: 4 } as const

const ids = new Float64Array(2)

/**
 * Opens a stream over a live connection, without waiting for the ack. `undefined` where that is not enough: call {@link openStream}
 * then.
 */
export function openNow(
  endpoint: EndpointState,
  opener: Opener,
  protocol: Protocol,
  { ack, extra, signal, retry, timeout }: OpenOptions
): StreamState | undefined {
  if (ack !== 'later' || extra !== undefined || retry !== undefined) return undefined
  // Nothing waits here, so that neither has an effect later.
  if (checkSignal(signal)?.aborted === true) return undefined
  if (timeout !== undefined) timeLimit(timeout, 'options.timeout')
  if (watched('stream') !== undefined) return undefined
  const header = headerOf(protocol)
  const opened = opener.tryOpen(header.line, openFlags.retry, endpoint.options.openTimeout, ids)
  if (opened < 0) return undefined
  flushLater(opened)
  return newState(endpoint, opener, header.protocol, opened, ids)
}

/** Opens a stream with checked options, and publishes that to subscribers. `wrap` makes the object that users see. */
export function openStream<Stream>(
  endpoint: EndpointState,
  opener: Opener,
  input: Protocol,
  options: OpenOptions,
  wrap: (state: StreamState) => Stream
): Promise<Stream> {
  const traced = watched('stream')
  if (traced === undefined) return open(endpoint, opener, input, options, wrap)
  const { protocol } = headerOf(input)
  const message = { endpoint: endpoint.id52, peer: opener.id52, protocol, direction: 'out' }
  return traced.tracePromise(async () => {
    const stream = await open(endpoint, opener, protocol, options, wrap)
    Object.assign(message, { stream })
    return stream
  }, message)
}

/** Opens over a live connection, or starts an operation that dials. */
async function open<Stream>(
  endpoint: EndpointState,
  opener: Opener,
  input: Protocol,
  options: OpenOptions,
  wrap: (state: StreamState) => Stream
): Promise<Stream> {
  const { extra, signal } = options
  throwIfAborted(signal)
  const header = headerOf(input)
  const { protocol } = header
  const line = extra === undefined ? header.line : lineWithExtra(header, extra)
  const awaitAck = options.ack === undefined || oneOf(['now', 'later'], options.ack, 'options.ack') === 'now'
  const retry = optional('boolean', options.retry, 'options.retry') ?? true
  const timeout =
    options.timeout === undefined ? endpoint.options.openTimeout : timeLimit(options.timeout, 'options.timeout')
  const flags =
    (extra === undefined ? 0 : openFlags.extra) | (awaitAck ? openFlags.awaitAck : 0) | (retry ? openFlags.retry : 0)
  const context: Context = { peer: opener.id52, protocol, phase: 'open' }
  const began = performance.now()

  let operation: number
  opener.hold()
  try {
    const opened = opener.tryOpen(line, flags, timeout, ids)
    if (opened === FAILED) throw lastFailure(context)
    if (opened >= 0) {
      const state = newState(endpoint, opener, protocol, opened, ids)
      if (!awaitAck) flushLater(opened)
      if (!awaitAck || (await isAcknowledged(state, signal))) return wrap(state)
    }

    // There is no connection, or it ended before the peer took the stream.
    const left = Math.max(timeout - (performance.now() - began), 0)
    operation = opener.startOpen(line, flags, left)
  } finally {
    opener.release()
  }
  const traced = opener.dials ? watched('connect') : undefined
  const outcome =
    traced === undefined
      ? await outcomeOf(operation, context, signal)
      : await dialled(traced, endpoint, operation, context, signal)
  const [handle, numbers] = [outcome.handle as number, outcome.ids as number[]]
  return wrap(newState(endpoint, opener, protocol, handle, numbers))
}

/** Publishes the operation as a dial. The result is left out: subscribers have no use for an operation's. */
async function dialled(
  traced: Watched,
  endpoint: EndpointState,
  operation: number,
  context: Context,
  signal: AbortSignal | undefined
): Promise<BindingOutcome> {
  const outcome = outcomeOf(operation, context, signal)
  await traced.tracePromise(() => outcome.then(() => {}), { endpoint: endpoint.id52, peer: context.peer as string })
  return await outcome
}

const lostUnseen = localFailure(
  'ERR_CONNECTION_LOST',
  'the connection ended before the peer took the stream: it can be opened again'
)

function newState(
  endpoint: EndpointState,
  opener: Opener,
  protocol: Protocol,
  handle: number,
  ids: ArrayLike<number>
): StreamState {
  return new StreamState(handle, endpoint.connectionTo(ids[0] as number, opener.id52), protocol, ids[1] as number)
}

/** Waits for the peer's ack. `false`: the stream is gone, and the core wants it opened again. */
async function isAcknowledged(state: StreamState, signal: AbortSignal | undefined): Promise<boolean> {
  const word = wakeWord(state.handle, 0)
  try {
    for (;;) {
      const result = native().streamAck(state.handle)
      const answer = answerOf(result)
      if (answer === FAILED) throw state.error(state.settleFailed(result), 'ack')
      state.settle(result, lostUnseen)
      if (answer !== PENDING) return answer !== RETRY
      await waitForWake(word, signal, always)
    }
  } catch (error) {
    state.abort(cancelled, 'the stream was not acknowledged')
    throw error
  }
}
