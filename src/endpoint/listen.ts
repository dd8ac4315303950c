import { coreOf, readerOf, writerOf } from '../connection/byte-stream.js'
import { type PeerStream, streamOf } from '../connection/connection.js'
import type { StreamMessage } from '../connection/diagnostics-messages.js'
import { Listener } from '../connection/listener.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { ProtocolInput } from '../stream/protocol.js'
import { watched } from '../util/diagnostics.js'
import { after } from '../util/timeout.js'
import { checkOptions, invalid, isPlain, kindOf, type OptionNames } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'

/**
 * Takes a stream. Returning ends it well: it is finished, and what was not read is stopped. Throwing resets it.
 *
 * A stream given to `duplex`, or whose `readable` or `writable` was taken, stays until those have ended, also after the handler's
 * return.
 */
export type StreamHandler = (stream: PeerStream) => unknown

/**
 * Who takes which protocol: an object by the protocol's name, or pairs for all kinds. A name that is no unit protocol's stands for
 * `{ Generic: name }`. This library answers `Ping` itself. One protocol at least, unless {@link ListenOptions.fallback} is set.
 */
export type StreamHandlers =
  | {
      readonly [name: string]: StreamHandler | undefined
      /** Not a protocol that a handler can take. */
      readonly Ping?: undefined
      /** No protocol's name: `Protocol.generic(value)` is one, in a pair. */
      readonly Generic?: undefined
    }
  | readonly (readonly [ProtocolInput, StreamHandler])[]

/** How {@link Endpoint.listen} goes about it. */
export interface ListenOptions {
  /** Ends listening; nothing is thrown. */
  signal?: AbortSignal | undefined
  /** Handles Generic protocols that have no listener; see `stream.protocol`. Default: they are refused. */
  fallback?: StreamHandler | undefined
  /**
   * Told what a handler threw, after its stream was reset. Default: a warning of the process, one for each code.
   */
  onError?: ((error: unknown, stream: PeerStream) => unknown) | undefined
}

/** The names of {@link ListenOptions}. */
const listenNames: OptionNames<ListenOptions> = { signal: true, fallback: true, onError: true }

/** Sent with the reset of a stream whose handler failed. */
const handlerFailed = 0x102

/** Serves until the signal or the end of taking anything new, then waits a while for the handlers that run. */
export async function listen(
  endpoint: EndpointState,
  handlers: StreamHandlers,
  options: ListenOptions = {}
): Promise<void> {
  const { signal, fallback, onError = warn } = checkOptions(options, listenNames)
  const routes = pairs(handlers)
  if (fallback !== undefined) checkHandler(fallback, 'options.fallback')
  else if (routes.length === 0) throw nothingServed()
  if (typeof onError !== 'function') throw invalid('options.onError', 'a function')
  const served = { protocols: routes.map(([protocol]) => protocol), fallback: fallback !== undefined }
  const listener = new Listener(endpoint, served, signal)
  const running = new Running(endpoint)
  for (;;) {
    const core = listener.take()
    if (core === null) break
    if (core === undefined) await listener.wait()
    else
      running.add(serve(endpoint, streamOf(core), (routes[listener.route]?.[1] ?? fallback) as StreamHandler, onError))
  }
  // One that drains is closed some time, by somebody who knows how long to wait.
  if (endpoint.isDraining) await running.end(undefined, endpoint.closing)
  else if (signal?.aborted) await running.end(endpoint.options.closeTimeout, endpoint.closing)
}

// Never rejects: whatever a handler does, the loop goes on.
async function serve(
  endpoint: EndpointState,
  stream: PeerStream,
  handler: StreamHandler,
  onError: NonNullable<ListenOptions['onError']>
) {
  try {
    const traced = watched('stream')
    if (traced === undefined) await handler(stream)
    else await traced.tracePromise(async () => handler(stream), incoming(endpoint, stream))
  } catch (error) {
    coreOf(stream).abort(handlerFailed, 'the handler of this stream failed')
    return await report(error, stream, onError)
  }
  const wasClosing = endpoint.closing.aborted
  try {
    await end(stream)
  } catch (error) {
    // A peer that has what it wanted stops the rest: that is no failure.
    if (isFastnNetError(error, 'ERR_STREAM_STOPPED')) return
    // The endpoint was closed before the handler returned, perhaps by the handler.
    if (wasClosing && isFastnNetError(error, 'ERR_CLOSED')) return
    await report(error, stream, onError)
  }
}

/** Ends the stream of a handler that returned: cleanly, once the web or Node streams it was lent to have ended. */
async function end(stream: PeerStream): Promise<void> {
  const core = coreOf(stream)
  if (core.isLent) await core.returned()
  readerOf(stream).stop(0)
  const writer = writerOf(stream)
  if (writer.isOpen) await writer.finish()
}

function incoming({ id52 }: EndpointState, stream: PeerStream): StreamMessage {
  return { endpoint: id52, peer: stream.remoteId52, protocol: stream.protocol, direction: 'in', stream }
}

async function report(error: unknown, stream: PeerStream, onError: NonNullable<ListenOptions['onError']>) {
  try {
    await onError(error, stream)
  } catch (second) {
    warn(second, stream)
  }
}

function warn(error: unknown, stream: PeerStream): void {
  const which = JSON.stringify(stream.protocol)
  const say = (message: string) =>
    `a handler of ${which} failed: ${message}. Give listen an onError to see every failure`
  warnOnce(error, 'ERR_HANDLER', say)
}

/** Counts what runs: a promise each would be a list to keep. */
class Running {
  readonly #endpoint: EndpointState
  #count = 0
  #idle: (() => void) | undefined

  constructor(endpoint: EndpointState) {
    this.#endpoint = endpoint
  }

  add(work: Promise<void>): void {
    if (this.#count++ === 0) this.#endpoint.activeListens++
    void work.then(() => {
      if (--this.#count > 0) return
      this.#endpoint.activeListens--
      this.#idle?.()
    })
  }

  /** Waits until nothing runs any more, `most` milliseconds if given, or until the endpoint closes, which takes their streams away. */
  async end(most: number | undefined, closing: AbortSignal): Promise<void> {
    if (this.#count === 0 || closing.aborted) return
    await new Promise<void>(resolve => {
      const timer = most === undefined ? undefined : after(most, done)
      this.#idle = done
      closing.addEventListener('abort', done)
      function done() {
        clearTimeout(timer)
        closing.removeEventListener('abort', done)
        resolve()
      }
    })
  }
}

function pairs(handlers: StreamHandlers | null): readonly (readonly [ProtocolInput, StreamHandler])[] {
  if (isPairs(handlers)) {
    return Array.from(handlers, (pair, at) => {
      if (!Array.isArray(pair)) throw invalid(`handlers[${at}]`, '[protocol, function]')
      return [pair[0], checkHandler(pair[1], `handlers[${at}][1]`)]
    })
  }
  if (typeof handlers !== 'object' || handlers === null || !isPlain(handlers)) throw notHandlers(handlers)
  return Object.entries(handlers)
    .filter(([, handler]) => handler !== undefined)
    .map(([protocol, handler]) => [protocol, checkHandler(handler, `handlers.${protocol}`)])
}

function nothingServed(): FastnNetError {
  const advice = 'write { Echo: stream => … } or [[protocol, stream => …]], or set options.fallback'
  return new FastnNetError('ERR_INVALID_ARGUMENT', `handlers must name at least one protocol: ${advice}`)
}

function notHandlers(given: unknown): FastnNetError {
  const expected = 'a plain object of functions by protocol, or an array of [protocol, function]'
  const advice = given instanceof Map ? ': write [...handlers]' : ''
  return invalid('handlers', `${expected}, not ${kindOf(given)}${advice}`)
}

function isPairs(handlers: StreamHandlers | null): handlers is readonly (readonly [ProtocolInput, StreamHandler])[] {
  return Array.isArray(handlers)
}

function checkHandler(handler: unknown, path: string): StreamHandler {
  if (typeof handler === 'function') return handler as StreamHandler
  throw invalid(path, 'a function')
}
