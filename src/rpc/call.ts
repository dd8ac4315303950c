import type { PeerStream } from '../connection/connection.js'
import { isFastnNetError, type Protocol } from '../errors.js'
import { idsOf, type Peer } from '../keys/peer.js'
import { isUnprocessed } from '../native/failure.js'
import { headerOf } from '../stream/header.js'
import type { OpenOptions } from '../types.js'
import { watched } from '../util/diagnostics.js'
import { pauseFor } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'
import { type CallOptions, type ResolvedCall, resolveCall } from './call-options.js'
import { inTime, noAnswer } from './call-wait.js'
import { Exchange } from './exchange.js'
import { itemsOf } from './items.js'
import type { RequestMessage } from './request-message.js'
import { isItems, validated } from './validation.js'

/** The part of an endpoint that a call needs. */
export interface Caller {
  readonly id52: string
  getStream(peer: Peer, protocol: Protocol, options: OpenOptions): Promise<PeerStream>
}

/** See {@link Endpoint.call}. */
export function callProtocol(
  caller: Caller,
  peer: Peer,
  protocol: Protocol,
  input: unknown,
  options: CallOptions | undefined
): Promise<unknown> {
  try {
    return call(caller, peer, protocol, input, resolveCall(options))
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Sends a request and waits for the beginning of its answer; publishes that to subscribers. */
export function call(
  caller: Caller,
  peer: Peer,
  protocol: Protocol,
  input: unknown,
  options: ResolvedCall
): Promise<unknown> {
  const traced = watched('request')
  if (traced === undefined) return request(caller, peer, protocol, input, options)
  const [id52 = ''] = idsOf(peer, 'peer')
  const message: RequestMessage = {
    endpoint: caller.id52,
    peer: id52,
    protocol: headerOf(protocol).protocol,
    direction: 'out'
  }
  return traced.tracePromise(() => request(caller, peer, protocol, input, options), message)
}

async function request(
  caller: Caller,
  peer: Peer,
  protocol: Protocol,
  input: unknown,
  options: ResolvedCall
): Promise<unknown> {
  const { signal, timeout, inputSchema } = options
  if (signal !== undefined) throwIfAborted(signal)
  const until = performance.now() + timeout
  let left = timeout
  const contextNow = () => ({ protocol: headerOf(protocol).protocol, phase: 'call' })
  // A stream of items has its items checked on their way.
  if (inputSchema !== undefined && !isItems(inputSchema)) {
    const context = contextNow()
    await validated(inputSchema, input, 'the input', { context }, inTime(options, until, 'the input', context))
    left = until - performance.now()
  }
  if (left <= 0) throw noAnswer(options, contextNow())
  for (let attempt = 1; ; attempt++) {
    try {
      const stream = await caller.getStream(peer, protocol, { ack: 'later', signal, timeout: left })
      return await new Exchange(stream, input, options, until).answer()
    } catch (error) {
      if (signal?.aborted === true || !mayRepeat(error, input, options)) throw error
      // The first repetition is immediate: the usual cause is a connection that has just ended.
      const pause = attempt === 1 ? 0 : Math.random() * Math.min(100 * 2 ** attempt, 2_000)
      left = until - performance.now() - pause
      if (left <= 0) throw error
      if (pause > 0) await pauseFor(pause, signal)
      throwIfAborted(signal)
    }
  }
}

function mayRepeat(error: unknown, input: unknown, { idempotent, inputSchema }: ResolvedCall): boolean {
  // Its items are gone.
  if (!isFastnNetError(error) || itemsOf(input, inputSchema) !== undefined) return false
  if (isUnprocessed(error)) return true
  // A connection that ends for the peer's limit is ERR_BUSY with its code. A refusal of that name has none.
  const isBusy = error.code === 'ERR_BUSY' && error.errorCode !== undefined
  // A listener that has ended resets its streams with code 0.
  const isReset = error.code === 'ERR_STREAM_RESET' && error.errorCode === 0
  const isLost = error.code === 'ERR_CONNECTION_LOST' || error.code === 'ERR_ACK_TIMEOUT'
  return idempotent && (isLost || isBusy || isReset)
}
