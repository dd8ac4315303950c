import type { PeerStream } from '../connection/connection.js'
import type { Protocol } from '../errors.js'
import { invalid } from '../util/validate.js'
import { type AnyHandler, serverOf, streamHandler } from './serve.js'
import { resolveServe, resolveServeProtocol, type ServeOptions, type ServeProtocolOptions } from './serve-options.js'
import { isService, type MethodDefinitions, type Service, type ServiceImplementation } from './service.js'
import { servedMethods } from './service-methods.js'

/** A protocol, and what handles its streams. */
export type Route = readonly [Protocol, (stream: PeerStream) => Promise<void>]

/**
 * What `serve` listens for: the methods of a service, or one protocol.
 *
 * @param id52 ID52 of the endpoint.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function routesOf(
  id52: string,
  served: Service<MethodDefinitions> | Protocol,
  handlers: unknown,
  options: ServeProtocolOptions
): Route[] {
  return isService(served)
    ? routesOfService(id52, served, handlers as ServiceImplementation<MethodDefinitions>, options)
    : [routeOfProtocol(id52, served, handlers, options)]
}

function routesOfService(
  id52: string,
  service: Service<MethodDefinitions>,
  handlers: ServiceImplementation<MethodDefinitions>,
  options: ServeOptions
): Route[] {
  const server = serverOf(id52, resolveServe(options))
  return servedMethods(service, handlers).map(([protocol, method]) => [protocol, streamHandler(server, method)])
}

function routeOfProtocol(id52: string, protocol: Protocol, handler: unknown, options: ServeProtocolOptions): Route {
  if (typeof handler !== 'function') throw invalid('handler', 'a function')
  const [resolved, schemas] = resolveServeProtocol(options)
  const method = { ...schemas, handler: handler as AnyHandler }
  return [protocol, streamHandler(serverOf(id52, resolved), method)]
}
