import { FastnNetError } from '../errors.js'
import { idOfOne, type Peer } from '../keys/peer.js'
import type { Protocol } from '../stream/protocol.js'
import { invalid, kindOf } from '../util/validate.js'
import { type Caller, call } from './call.js'
import { type RequestOptions, resolveMethodCall } from './call-options.js'
import type { AnyHandler, ServedMethod } from './serve.js'
import {
  isService,
  type MethodDefinitions,
  type Service,
  type ServiceClient,
  type ServiceImplementation
} from './service.js'

/** The methods of a service at a peer. */
export function clientOf<Methods extends MethodDefinitions>(
  caller: Caller,
  service: Service<Methods>,
  peer: Peer
): ServiceClient<Methods> {
  checkService(service)
  idOfOne(peer, 'peer')
  const client: object = Object.create(null)
  for (const [name, { input: inputSchema, output: schema, idempotent = false }] of Object.entries(service.methods)) {
    const protocol = service.protocol(name)
    const method = { inputSchema, schema, idempotent }
    const withDefaults = resolveMethodCall({}, method)
    const value = async (input?: unknown, options?: RequestOptions) => {
      const resolved = options === undefined ? withDefaults : resolveMethodCall(options, method)
      return call(caller, peer, protocol, input, resolved)
    }
    Object.defineProperty(client, name, { value, enumerable: true })
  }
  return Object.freeze(client) as ServiceClient<Methods>
}

/**
 * The methods of a service with their protocols.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` where a method has no function.
 */
export function servedMethods<Methods extends MethodDefinitions>(
  service: Service<Methods>,
  implementation: ServiceImplementation<Methods>
): [Protocol, ServedMethod][] {
  if (typeof (implementation as unknown) !== 'object' || (implementation as unknown) === null)
    throw invalid('implementation', `an object with a function for each method, not ${kindOf(implementation)}`)
  return Object.entries(service.methods).map(([name, { input, output }]) => {
    const handler: unknown = implementation[name]
    if (typeof handler !== 'function') throw missing(name, service)
    // Of a class instance, a method needs its `this`.
    return [service.protocol(name), { input, output, handler: handler.bind(implementation) as AnyHandler }]
  })
}

function missing(name: string, service: Service<MethodDefinitions>): FastnNetError {
  const message = `the implementation has no function '${name}': ${String(service.name ?? 'the service')} needs ${Object.keys(service.methods).join(', ')}`
  return new FastnNetError('ERR_INVALID_ARGUMENT', message)
}

function checkService(service: unknown): void {
  if (!isService(service)) throw invalid('service', 'the result of defineService()')
}
