import { type Protocol, setConstant, shortForm } from '../stream/protocol.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { checkOptions, invalid, isPlain, kindOf, type OptionNames, optional } from '../util/validate.js'
import type { RequestOptions } from './call-options.js'
import type { RequestContext } from './request-context.js'
import {
  checkSchema,
  type ItemsSchema,
  type MessageSchema,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchemaV1
} from './schema.js'
import type { CarriedMethods } from './sendable.js'

/** A method of a {@link Service}. */
export interface MethodDefinition {
  /** Schema of the input; `{ items: schema }` for a stream of items. Default: any JSON. */
  readonly input?: MessageSchema | undefined
  /** Schema of the result; `{ items: schema }` for a stream of items. Default: any JSON. */
  readonly output?: MessageSchema | undefined
  /** A request may be handled twice: see {@link RequestOptions.idempotent}. Default: false. */
  readonly idempotent?: boolean | undefined
}

/** Methods of a service, by name. */
export type MethodDefinitions = Readonly<Record<string, MethodDefinition>>

/**
 * Items that a peer sends: each is checked, if there is a schema. Leaving the loop tells the sender to stop.
 *
 * Several `next()` may be pending: they settle in order. `return()` lets them take the items that have arrived, and ends those that would
 * wait for the peer or for a schema, with `done`.
 */
export type Items<Item> = AsyncIterableIterator<Item, undefined> & AsyncDisposable

/** Type of a message that one side gives. */
export type SentMessage<Schema> = Schema extends StandardSchemaV1
  ? SchemaInput<Schema>
  : Schema extends ItemsSchema<infer Each>
    ? AsyncIterable<SchemaInput<Each>> | Iterable<SchemaInput<Each>>
    : unknown

/** Type of a message that the other side gets. */
export type ReceivedMessage<Schema> = Schema extends StandardSchemaV1
  ? SchemaOutput<Schema>
  : Schema extends ItemsSchema<infer Each>
    ? Items<SchemaOutput<Each>>
    : unknown

/** A value, or a promise of it. */
export type Awaitable<Value> = Value | PromiseLike<Value>

/** Handles a request. What it throws reaches the caller as `ERR_REMOTE`. */
export type RequestHandler<Input = unknown, Output = unknown> = (
  input: Input,
  context: RequestContext
) => Awaitable<Output>

/** Implementation of a service: an object or a class instance with a function for each method. */
export type ServiceImplementation<Methods extends MethodDefinitions> = {
  readonly [Name in keyof Methods]: RequestHandler<
    ReceivedMessage<Methods[Name]['input']>,
    SentMessage<Methods[Name]['output']>
  >
}

/** Methods of a service at a peer. Each rejects with the errors of {@link Endpoint.call}. */
export type ServiceClient<Methods extends MethodDefinitions> = {
  readonly [Name in keyof Methods]: ClientMethod<
    SentMessage<Methods[Name]['input']>,
    ReceivedMessage<Methods[Name]['output']>
  >
}

/** A method of a {@link ServiceClient}. The input may be left out where `undefined` is one. */
export type ClientMethod<Input, Output> = undefined extends Input
  ? (input?: Input, options?: RequestOptions) => Promise<Output>
  : (input: Input, options?: RequestOptions) => Promise<Output>

/** Options of {@link defineService}. */
export interface ServiceOptions {
  /**
   * Name of the service, in the protocol of each method: `{ Generic: { fastn: 'rpc', method, service } }`. Default: none; the protocol of a
   * method is then its own name, `{ Generic: method }`.
   */
  name?: string | undefined
}

const serviceNames: OptionNames<ServiceOptions> = { name: true }
const methodNames: OptionNames<MethodDefinition> = { input: true, output: true, idempotent: true }

function protocolOf(method: string, service: string | undefined): Protocol {
  // Never a unit protocol, whatever its name.
  if (service === undefined) return shortForm({ Generic: method })
  const protocol = Object.freeze({ Generic: Object.freeze({ fastn: 'rpc', method, service }) })
  setConstant(protocol)
  return protocol
}

let serviceOf: <Methods extends MethodDefinitions>(methods: Methods, name: string | undefined) => Service<Methods>

/** A set of typed methods, which peers serve and call. Created by {@link defineService}. */
export class Service<Methods extends MethodDefinitions> {
  readonly #protocols: ReadonlyMap<string, Protocol>
  /** Name of the service. */
  readonly name: string | undefined
  /** Its methods. */
  readonly methods: Methods

  private constructor(key: typeof internal, methods: Methods, name: string | undefined) {
    checkConstructor(key, 'defineService()')
    this.#protocols = new Map(Object.keys(methods).map(method => [method, protocolOf(method, name)]))
    this.methods = methods
    this.name = name
  }

  /**
   * Protocol of a method: for `authorize`, and for peers in other languages.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an unknown method.
   */
  protocol(method: keyof Methods & string): Protocol {
    const protocol = this.#protocols.get(method)
    if (protocol === undefined) throw invalid('method', 'a method of this service')
    return protocol
  }

  static {
    serviceOf = (methods, name) => new Service(internal, methods, name)
    inspectAs(this, self => `Service(${self.name ?? Object.keys(self.methods).join(', ')})`)
  }
}

/**
 * Defines the methods that peers serve ({@link Endpoint.serve}) and call ({@link Endpoint.client}). Share it between both programs.
 *
 * Schemas are of any library that implements [Standard Schema](https://standardschema.dev). Both sides check both messages: the sender before
 * it sends, the receiver when it arrives. An input is sent as the caller gave it, and the handler gets what the schema makes of it. A result
 * is sent as the schema returns it, and the caller's schema checks that again. So an `output` schema must accept its own result: defaults,
 * `trim` and `coerce` are fine, `string → Date` is not.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * const calculator = defineService({
 *   add: { input: z.object({ a: z.number(), b: z.number() }), output: z.number() }
 * })
 * endpoint.serve(calculator, { add: ({ a, b }) => a + b })
 * const sum = await endpoint.client(calculator, peer).add({ a: 1, b: 2 })
 */
export function defineService<const Methods extends MethodDefinitions>(
  methods: Methods & CarriedMethods<Methods>,
  options: ServiceOptions = {}
): Service<Methods> {
  const { name } = checkOptions(options, serviceNames)
  if (typeof (methods as unknown) !== 'object' || (methods as unknown) === null || !isPlain(methods))
    throw invalid('methods', `a plain object of { input, output } by method name, not ${kindOf(methods)}`)
  const entries = Object.entries(methods)
  if (entries.length === 0) throw invalid('methods', 'at least one method')
  for (const [method, definition] of entries) {
    const path = `methods.${method}`
    // A client with this method would be taken for a promise.
    if (method === 'then') throw invalid(path, "named otherwise: an object with a method 'then' is a promise")
    const { input, output, idempotent } = checkOptions(
      definition,
      methodNames,
      path,
      'a plain object { input, output }'
    )
    checkSchema(input, `${path}.input`)
    checkSchema(output, `${path}.output`)
    optional('boolean', idempotent, `${path}.idempotent`)
  }
  return serviceOf(Object.freeze({ ...methods }), optional('string', name, 'options.name'))
}

/** Whether it is a service. */
export function isService(value: unknown): value is Service<MethodDefinitions> {
  return value instanceof Service
}
