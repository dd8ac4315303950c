import { defaults } from '../settings.js'
import { checkOptions, invalid, type OptionNames, optional, positive } from '../util/validate.js'
import type { RequestContext } from './request-context.js'
import { checkSchema, type MessageSchema } from './schema.js'

/** Options of {@link Endpoint.serve} for a service. */
export interface ServeOptions {
  /** Stops serving, without an error. Running handlers continue. */
  signal?: AbortSignal | undefined
  /**
   * Receives what a handler threw, after the caller was told, and what keeps its result from being sent. Not the reason of its own
   * `context.signal`, nor an `AbortError` with that `cause`. Default: a process warning, once per error code, but none for an error that only
   * tells that the caller has left, that this endpoint was closed, or that a `Graceful` shuts down.
   */
  onError?: ((error: unknown, context: RequestContext) => unknown) | undefined
  /**
   * Longest message in bytes as JSON, received or sent; of items, the longest item. Callers get `ERR_LINE_TOO_LONG`. Default: 16 MiB, for
   * older peers 1 MiB.
   */
  maxBytes?: number | undefined
  /** Requests in progress per peer, of this call of `serve`; more get `ERR_BUSY`. Default: 256. */
  maxRequestsPerPeer?: number | undefined
  /**
   * Memory of a peer's requests in progress, in bytes, as text and parsed, of messages above 16 KiB; more get `ERR_BUSY`. A message that
   * would take more on its own gets `ERR_LINE_TOO_LONG`: JSON of many small objects takes 22 times its length, of records about 4 times.
   * An estimate: objects with many different keys take up to twice as much. Default: 128 MiB, or 8 times `maxBytes` if that is more.
   */
  maxBytesPerPeer?: number | undefined
  /** Send callers the stack traces of errors: `error.remoteStack`. They name files of this machine. Default: false. */
  stack?: boolean | undefined
}

/** Options of {@link Endpoint.serve} for one protocol. */
export interface ServeProtocolOptions<
  Input extends MessageSchema | undefined = MessageSchema | undefined,
  Output extends MessageSchema | undefined = MessageSchema | undefined
> extends ServeOptions {
  /**
   * Schema of the input; `{ items: schema }` for a stream of items. The handler gets what the schema returns. A caller whose input does not
   * match gets `ERR_SCHEMA` with the issues. Default: none, and no check.
   */
  input?: Input
  /** Schema of the result; `{ items: schema }` for an async iterable. What it returns is sent. Default: none, and no check. */
  output?: Output
}

/** Options of {@link Endpoint.serve} for one protocol, with at least one schema. */
export type SchemaServeOptions<
  Input extends MessageSchema | undefined,
  Output extends MessageSchema | undefined
> = ServeProtocolOptions<Input, Output> &
  (
    | {
        /** Schema of the input. */
        input: Input
      }
    | {
        /** Schema of the result. */
        output: Output
      }
  )

/** Names of {@link ServeOptions}. */
const serveNames: OptionNames<ServeOptions> = {
  signal: true,
  onError: true,
  maxBytes: true,
  maxRequestsPerPeer: true,
  maxBytesPerPeer: true,
  stack: true
}
/** Names of {@link ServeProtocolOptions}. */
const protocolNames: OptionNames<ServeProtocolOptions> = { ...serveNames, input: true, output: true }

/** Checked options with defaults filled in. */
export interface ResolvedServe {
  readonly onError: ServeOptions['onError']
  readonly maxBytes: number | undefined
  readonly maxRequestsPerPeer: number
  readonly maxBytesPerPeer: number
  readonly stack: boolean
}

/** Schemas of a method. */
export interface MethodSchemas {
  readonly input: MessageSchema | undefined
  readonly output: MessageSchema | undefined
}

/** Checks options of serving a service. */
export function resolveServe(options: ServeOptions): ResolvedServe {
  return resolve(checkOptions(options, serveNames))
}

/** Checks options of serving one protocol. */
export function resolveServeProtocol(options: ServeProtocolOptions): [ResolvedServe, MethodSchemas] {
  const { input, output } = checkOptions(options, protocolNames)
  return [
    resolve(options),
    { input: checkSchema(input, 'options.input'), output: checkSchema(output, 'options.output') }
  ]
}

function resolve({ onError, maxBytes, maxRequestsPerPeer, maxBytesPerPeer, stack }: ServeOptions): ResolvedServe {
  if (onError !== undefined && typeof onError !== 'function') throw invalid('options.onError', 'a function')
  const { requests } = defaults
  const number = (value: number | undefined, name: string, otherwise: number) =>
    value === undefined ? otherwise : positive(value, `options.${name}`)
  const most = number(maxBytes, 'maxBytes', requests.maxBytes)
  return {
    onError,
    maxBytes: maxBytes === undefined ? undefined : most,
    maxRequestsPerPeer: number(maxRequestsPerPeer, 'maxRequestsPerPeer', requests.maxRequestsPerPeer),
    maxBytesPerPeer: number(maxBytesPerPeer, 'maxBytesPerPeer', Math.max(requests.maxBytesPerPeer, 8 * most)),
    stack: optional('boolean', stack, 'options.stack') ?? false
  }
}
