import type { PeerStream } from '../connection/connection.js'
import type { Json, Protocol } from '../errors.js'
import type { Peer } from '../keys/peer.js'
import type { CallOptions, SchemaCallOptions } from '../rpc/call-options.js'
import { requests } from '../rpc/loaded.js'
import type { RequestContext } from '../rpc/request-context.js'
import type { MessageSchema } from '../rpc/schema.js'
import type { ReceivedValue, ReturnedValue, Sendable, SentValue } from '../rpc/sendable.js'
import type { SchemaServeOptions, ServeOptions, ServeProtocolOptions } from '../rpc/serve-options.js'
import type {
  MethodDefinitions,
  ReceivedMessage,
  RequestHandler,
  SentMessage,
  Service,
  ServiceClient,
  ServiceImplementation
} from '../rpc/service.js'
import { type CancelOptions, type OpenOptions, signalOf, type TimeoutOptions } from '../types.js'
import { checkConstructor, type internal } from '../util/illegal-constructor.js'
import type { ListenOptions, StreamHandlers } from './listen.js'
import { type Listener, listenedBy } from './listener.js'

/** Requests and answers over the streams of an {@link Endpoint}. */
export abstract class RequestEndpoint {
  /** @internal */
  abstract get id52(): string
  /** @internal */
  abstract getStream(peer: Peer, protocol: Protocol, options?: OpenOptions): Promise<PeerStream>
  /** @internal */
  abstract listen(handlers: StreamHandlers, options?: ListenOptions): Listener

  /** @internal */
  protected constructor(key: typeof internal) {
    checkConstructor(key, 'getEndpoint()')
  }

  /**
   * Sends a request to a peer and returns the answer of its handler ({@link serve}). The type of the answer is not checked;
   * `options.schema` is.
   *
   * @throws {FastnNetError} `ERR_REMOTE` if the handler failed, `ERR_CALL_TIMEOUT`, `ERR_SCHEMA`, `ERR_BUSY`, `ERR_LINE_TOO_LONG`: see
   * {@link RequestOptions}. The errors of {@link Endpoint.getStream}.
   *
   * @example
   * const sum = await endpoint.call<number>(peer, 'add', { a: 1, b: 2 })
   */
  call<Answer = Json>(peer: Peer, protocol: Protocol): Promise<Answer>
  call<Schema extends MessageSchema, Input = Sendable>(
    peer: Peer,
    protocol: Protocol,
    input: SentValue<Input>,
    options: SchemaCallOptions<Schema>
  ): Promise<ReceivedMessage<Schema>>
  call<Answer = Json, Input = Sendable>(
    peer: Peer,
    protocol: Protocol,
    input: SentValue<Input>,
    options?: CallOptions<undefined>
  ): Promise<Answer>
  call(peer: Peer, protocol: Protocol, input?: unknown, options?: CallOptions): Promise<unknown> {
    return requests().callProtocol(this, peer, protocol, input, options)
  }

  /**
   * Answers requests for a protocol, or for the methods of a service. The handler's result is the answer; an async iterable is sent item by
   * item. What the handler throws reaches the caller as `ERR_REMOTE`. Also answers callers in Rust (fastn-p2p).
   *
   * Requests run concurrently. Returns at once, as {@link Endpoint.listen} does; serves until the result is closed.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
   *
   * @example
   * endpoint.serve('add', ({ a, b }: { a: number; b: number }) => a + b)
   */
  serve<Methods extends MethodDefinitions>(
    service: Service<Methods>,
    implementation: ServiceImplementation<Methods>,
    options?: ServeOptions
  ): Listener
  serve<Input, Output>(
    protocol: Protocol,
    handler: (input: ReceivedValue<Input>, context: RequestContext) => ReturnedValue<Output>,
    options?: ServeOptions
  ): Listener
  serve<Input extends MessageSchema | undefined, Output extends MessageSchema | undefined>(
    protocol: Protocol,
    handler: RequestHandler<ReceivedMessage<Input>, SentMessage<Output>>,
    options: SchemaServeOptions<Input, Output>
  ): Listener
  serve(
    served: Service<MethodDefinitions> | Protocol,
    handlers: unknown,
    options: ServeProtocolOptions = {}
  ): Listener {
    const routes = requests().routesOf(this.id52, served, handlers, options)
    return listenedBy(this.listen(routes, { signal: options.signal }), { method: 'serve' })
  }

  /**
   * Returns the methods of a service at a peer. Each is a {@link call} with the service's schemas at both ends. Opens nothing.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS` if `peer` is no peer. Methods: the errors of {@link call}.
   *
   * @example
   * const sum = await endpoint.client(calculator, peer).add({ a: 1, b: 2 }, { timeout: 1_000 })
   */
  client<Methods extends MethodDefinitions>(service: Service<Methods>, peer: Peer): ServiceClient<Methods> {
    return requests().clientOf(this, service, peer)
  }

  /**
   * Asks a peer that runs {@link serveTime} for its time. The answer is older by half of {@link Endpoint.ping}.
   *
   * @param options `timeout` in milliseconds. Default: 10 s.
   * @throws {FastnNetError} `ERR_CALL_TIMEOUT`. `ERR_UNEXPECTED_END`, `ERR_LINE_TOO_LONG` or `ERR_UTF8` if the answer is no time.
   * `ERR_INVALID_ARGUMENT`. The errors of {@link Endpoint.getStream}.
   *
   * @example
   * const time = await endpoint.whatTimeIsIt(peer)
   * console.log(Math.round((time.getTime() - Date.now()) / 1_000), 's ahead')
   */
  async whatTimeIsIt(peer: Peer, options: TimeoutOptions = {}): Promise<Date> {
    return await requests().whatTimeIsIt(this, peer, options)
  }

  /**
   * Answers {@link whatTimeIsIt}, the protocol WhatTimeIsIt, with this machine's time. Returns at once, as {@link Endpoint.listen} does;
   * serves until the result is closed.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
   *
   * @example
   * const listener = endpoint.serveTime()
   */
  serveTime(options: CancelOptions = {}): Listener {
    return this.listen({ WhatTimeIsIt: requests().tellTime }, { signal: signalOf(options) })
  }
}
