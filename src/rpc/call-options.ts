import { defaults } from '../settings.js'
import {
  checkOptions,
  checkSignal,
  invalid,
  type OptionNames,
  optional,
  positive,
  timeLimit
} from '../util/validate.js'
import { isMessageSchema, type MessageSchema } from './schema.js'

/**
 * Options of a call that do not depend on its method.
 *
 * - The input is any value that JSON can represent. An async iterable is sent item by item, at the handler's pace.
 * - The answer is a value, or items (an async iterable) if the handler returns an async iterable. Leaving their loop tells the handler to
 *   stop.
 * - One stream, and no round trip more than the answer takes. Peers in Rust (fastn-p2p) answer too.
 *
 * Errors by cause:
 *
 * - the handler failed: `ERR_REMOTE`, with its message, `remoteName`, `remoteCode` and `data`
 * - a message does not match its schema: `ERR_SCHEMA`, with `issues`
 * - no answer in time: `ERR_CALL_TIMEOUT`
 * - a message is too long: `ERR_LINE_TOO_LONG`
 * - too many requests at once: `ERR_BUSY`
 * - the peer's answer is malformed: `ERR_JSON`, `ERR_UTF8`, `ERR_UNEXPECTED_END`
 * - arguments, and an input that JSON would drop or change, such as bytes or a `Map`: `ERR_INVALID_ARGUMENT`
 * - the errors of {@link Endpoint.getStream}
 */
export interface RequestOptions {
  /** Cancels the request, at the peer too: its handler's `context.signal` aborts. The call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Time until the answer must begin, in milliseconds. Includes dialling, and the schemas of the input and of an answer that is one value.
   * The peer gets the rest of it: `context.deadline`. Then `ERR_CALL_TIMEOUT`, or `ERR_UNREACHABLE` without a connection. An answer
   * of items may last longer. Fractions are rounded up, 0 sends nothing, `Infinity` means none. Default: 10 s.
   */
  timeout?: number | undefined
  /**
   * Longest message in bytes as JSON, sent or received; of items, the longest item. Then `ERR_LINE_TOO_LONG`. The serving side has its own
   * limit. Default: 16 MiB, towards older peers 1 MiB.
   */
  maxBytes?: number | undefined
  /**
   * The request may be handled twice: repeats it, within the timeout, if its connection or stream was lost. Without it, only a request that
   * no handler can have seen is repeated. A request of items is never repeated. Default: false.
   */
  idempotent?: boolean | undefined
}

/** Options of {@link Endpoint.call}. */
export interface CallOptions<Schema extends MessageSchema | undefined = MessageSchema | undefined>
  extends RequestOptions {
  /** Schema that the answer must match, else `ERR_SCHEMA`; `{ items: schema }` for a stream of items. Default: none, and no check. */
  schema?: Schema
}

/** Options of {@link Endpoint.call} with a schema, which gives the answer its type. */
export interface SchemaCallOptions<Schema extends MessageSchema> extends CallOptions<Schema> {
  /** Schema that the answer must match, else `ERR_SCHEMA`; `{ items: schema }` for a stream of items. */
  schema: Schema
}

/** Names of {@link RequestOptions}. */
const requestNames: OptionNames<RequestOptions> = { signal: true, timeout: true, maxBytes: true, idempotent: true }
/** Names of {@link CallOptions}. */
const callNames: OptionNames<CallOptions> = { ...requestNames, schema: true }

/** Checked options with defaults filled in. */
export interface ResolvedCall {
  readonly signal: AbortSignal | undefined
  readonly timeout: number
  readonly maxBytes: number | undefined
  readonly idempotent: boolean
  readonly inputSchema: MessageSchema | undefined
  readonly schema: MessageSchema | undefined
}

const noMethod = { inputSchema: undefined, schema: undefined, idempotent: false }

/** Checks options of {@link Endpoint.call}. */
export function resolveCall(options: CallOptions | undefined): ResolvedCall {
  if (options === undefined) return defaultCall
  const { schema } = checkOptions(options, callNames)
  if (schema !== undefined && !isMessageSchema(schema))
    throw invalid('options.schema', 'a Standard Schema, or { items: schema }')
  return resolve(options, { ...noMethod, schema })
}

/** Checks options of a client's method. */
export function resolveMethodCall(options: RequestOptions, method: MethodCall): ResolvedCall {
  return resolve(checkOptions(options, requestNames), method)
}

/** Options that a method gives to its calls. */
export type MethodCall = Pick<ResolvedCall, 'inputSchema' | 'schema' | 'idempotent'>

function resolve({ signal, timeout, maxBytes, idempotent }: RequestOptions, method: MethodCall): ResolvedCall {
  return {
    signal: checkSignal(signal),
    timeout: timeout === undefined ? defaults.callTimeout : timeLimit(timeout, 'options.timeout'),
    maxBytes: maxBytes === undefined ? undefined : positive(maxBytes, 'options.maxBytes'),
    idempotent: optional('boolean', idempotent, 'options.idempotent') ?? method.idempotent,
    inputSchema: method.inputSchema,
    schema: method.schema
  }
}

const defaultCall = resolve({}, noMethod)
