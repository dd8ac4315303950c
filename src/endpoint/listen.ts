import { readerOf, stateOf, writerOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import type { StreamMessage } from '../connection/diagnostics-messages.js'
import { isExpectedEnd } from '../connection/expected-end.js'
import { servedHeader } from '../connection/stream-queue.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { handlerFailed } from '../stream/failure-codes.js'
import { describeProtocol, type Protocol } from '../stream/protocol.js'
import { watched } from '../util/diagnostics.js'
import { checkNotGenerator, checkNotIterator } from '../util/generators.js'
import { checkOptions, checkSignal, invalid, isPlain, kindOf, type OptionNames } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import { type Listener, listenerOf } from './listener.js'
import { ServeLoop } from './serve-loop.js'

/**
 * Handles an incoming stream. When it returns, or its promise resolves, the stream is finished, and reading stops: await the work in it.
 * Its value is ignored: write the answer to the stream, or answer requests with {@link Endpoint.serve}. When it throws, the stream is reset
 * with code 0x102. A generator (`async function*`) is an error, because nothing would run it: write lines or chunks in a loop, or use `serve`.
 *
 * A stream that was passed to `duplex`, or whose `readable` or `writable` was used, stays open until those have ended, even after the
 * handler returns.
 *
 * `stream.signal` aborts when the caller leaves. Pass it on to whatever the handler waits for.
 */
export type StreamHandler = (stream: PeerStream) => unknown

/** A type that no handler has. A compiler's error names the property that is missing: why there is none. */
export type NoHandler<Why extends string> = StreamHandler & { readonly [Reason in Why]: never }

/**
 * Handlers by protocol: an object keyed by protocol name, or `[protocol, handler]` pairs for any protocol. A name that is not a unit
 * protocol means `{ Generic: name }`. The library answers `Ping` itself.
 *
 * At least one protocol is required, unless {@link ListenOptions.fallback} is set.
 */
export type StreamHandlers =
  | {
      readonly [name: string]: StreamHandler | undefined
      /** Not allowed: the library answers pings. */
      readonly Ping?: NoHandler<'the library answers Ping itself'> | undefined
      /** Not allowed: use a pair with `Protocol.generic(value)`. */
      readonly Generic?: NoHandler<'write [[Protocol.generic(value), handler]]'> | undefined
    }
  | readonly (readonly [Protocol, StreamHandler])[]

/** Options of {@link Endpoint.listen}. */
export interface ListenOptions {
  /** Stops listening, without an error. Running handlers have the endpoint's `closeTimeout` to settle. */
  signal?: AbortSignal | undefined
  /** Handles Generic protocols that have no listener; see `stream.protocol`. Default: they are refused. */
  fallback?: StreamHandler | undefined
  /**
   * Receives what a handler threw, after its stream was reset. Default: a process warning, once per error code, but none for an error that
   * only tells that the peer has left, that this endpoint was closed, or that a `Graceful` shuts down.
   */
  onError?: ((error: unknown, stream: PeerStream) => unknown) | undefined
}

/** Names of {@link ListenOptions}. */
const listenNames: OptionNames<ListenOptions> = { signal: true, fallback: true, onError: true }

/**
 * Serves protocols until the signal aborts, the listener closes or the endpoint stops accepting.
 *
 * @param onListening Receives {@link Listener.closed}.
 */
export function listen(
  endpoint: EndpointState,
  handlers: StreamHandlers,
  options: ListenOptions = {},
  onListening: (closed: Promise<void>) => void = () => {}
): Listener {
  const { signal, fallback, onError } = checkOptions(options, listenNames)
  checkSignal(signal)
  const routes = pairs(handlers)
  if (fallback !== undefined) checkHandler(fallback, 'options.fallback')
  else if (routes.length === 0) throw nothingServed()
  if (onError !== undefined && typeof onError !== 'function') throw invalid('options.onError', 'a function')
  const served = { headers: routes.map(([protocol]) => servedHeader(protocol)), fallback: fallback !== undefined }
  const handle = (stream: PeerStream, route: number) =>
    handleStream(endpoint, stream, (routes[route]?.[1] ?? fallback) as StreamHandler, onError)
  return listenerOf(new ServeLoop(endpoint, { served, handle, signal, onListening }))
}

// Never rejects: a failing handler must not end the loop.
async function handleStream(
  endpoint: EndpointState,
  stream: PeerStream,
  handler: StreamHandler,
  onError: ListenOptions['onError']
) {
  try {
    const traced = watched('stream')
    if (traced === undefined) checkResult(await handler(stream), handler, stream)
    else await traced.tracePromise(() => callHandler(handler, stream), streamMessage(endpoint, stream))
  } catch (error) {
    // Asked first: the abort overwrites how the stream ended.
    const isExpected = isExpectedEnd(error, stream)
    stateOf(stream).abort(handlerFailed, 'the handler of this stream failed')
    return await report(error, stream, isExpected, onError)
  }
  const wasClosing = endpoint.closing.aborted
  const wasWriting = writerOf(stream).isWriting
  try {
    await finishStream(stream)
  } catch (error) {
    // The peer needs no more data: not a failure.
    if (isFastnNetError(error, 'ERR_STREAM_STOPPED')) return
    // The peer has left before the handler returned, and no write of the handler was cut off.
    if (!wasWriting && isFastnNetError(error, 'ERR_CONNECTION_LOST')) return
    // The endpoint was closed before the handler returned, perhaps by the handler.
    if (wasClosing && isFastnNetError(error, 'ERR_CLOSED')) return
    await report(error, stream, isExpectedEnd(error, stream), onError)
  }
}

async function callHandler(handler: StreamHandler, stream: PeerStream): Promise<unknown> {
  const result = await handler(stream)
  checkResult(result, handler, stream)
  return result
}

function checkResult(result: unknown, handler: StreamHandler, stream: PeerStream): void {
  if (result === undefined) return
  checkNotIterator(result, 'the handler')
  if (isUnsentAnswer(result, handler, stream)) warnNotSent(stream)
}

/** Whether data that a handler returned was meant as an answer: it takes no stream and has used none, so that it sent nothing. */
function isUnsentAnswer(result: unknown, handler: StreamHandler, stream: PeerStream): boolean {
  if (handler.length > 0 || !writerOf(stream).isOpen || stateOf(stream).readOver) return false
  return typeof result === 'string' || (typeof result === 'object' && result !== null && isPlain(result))
}

/** Finishes the stream of a handler that returned, once the web and Node streams that use it have ended. */
async function finishStream(stream: PeerStream): Promise<void> {
  const state = stateOf(stream)
  // False: the stream or its connection has ended. What arrived before stays readable.
  if (state.hasAdapters && !(await state.adaptersEnded())) return
  readerOf(stream).stop(0, 'the handler had returned, which ends reading: await the work in it')
  const writer = writerOf(stream)
  if (writer.isOpen) await writer.finishForHandler()
}

function streamMessage({ id52 }: EndpointState, stream: PeerStream): StreamMessage {
  return { endpoint: id52, peer: stream.remoteId52, protocol: stream.protocol, direction: 'in', stream }
}

async function report(error: unknown, stream: PeerStream, isExpected: boolean, onError: ListenOptions['onError']) {
  try {
    if (onError !== undefined) await onError(error, stream)
    else if (!isExpected) warn(error, stream)
  } catch (onErrorFailure) {
    warn(onErrorFailure, stream)
  }
}

function warn(error: unknown, stream: PeerStream): void {
  const format = (message: string) =>
    `a handler of ${describeProtocol(stream.protocol)} failed: ${message}. Set the option onError of listen to see every failure`
  warnOnce(error, 'ERR_HANDLER', format)
}

function warnNotSent(stream: PeerStream): void {
  const format = (message: string) =>
    `${message}, and listen ignores it: answer requests with serve, or write to the stream, as in stream => stream.finish(answer)`
  const returned = new Error(`a handler of ${describeProtocol(stream.protocol)} returned a value`)
  warnOnce(returned, 'ERR_HANDLER_RESULT', format)
}

function pairs(handlers: StreamHandlers | null): readonly (readonly [Protocol, StreamHandler])[] {
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

function isPairs(handlers: StreamHandlers | null): handlers is readonly (readonly [Protocol, StreamHandler])[] {
  return Array.isArray(handlers)
}

function checkHandler(handler: unknown, path: string): StreamHandler {
  if (typeof handler !== 'function') throw invalid(path, 'a function')
  checkNotGenerator(handler as StreamHandler, path)
  return handler as StreamHandler
}
