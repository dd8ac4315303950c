export { ByteStream } from './connection/byte-stream.js'
export { Connection, IncomingStreams, PeerStream } from './connection/connection.js'
export type { ConnectMessage, StreamMessage } from './connection/diagnostics-messages.js'
export { MessageStream } from './connection/message-stream.js'
export { QueueIterator } from './connection/queue-iterator.js'
export { Access } from './endpoint/access.js'
export type { AccessDecision, AccessLists, ExplainOptions } from './endpoint/access-control.js'
export type { Authorize } from './endpoint/authorize.js'
export { Endpoint } from './endpoint/endpoint.js'
export { type CreateEndpointOptions, createEndpoint, getEndpoint } from './endpoint/get-endpoint.js'
export { Graceful, type SpawnOptions } from './endpoint/graceful.js'
export type { GracefulOptions } from './endpoint/graceful-options.js'
export { HttpEndpoint } from './endpoint/http-endpoint.js'
export { IncomingConnections } from './endpoint/incoming-connections.js'
export type { ListenOptions, NoHandler, StreamHandler, StreamHandlers } from './endpoint/listen.js'
export { Listener } from './endpoint/listener.js'
export type { CustomNetwork, DnsLookup, Network, RelayAddress } from './endpoint/network.js'
export type { EndpointOptions } from './endpoint/options.js'
export { KeepConnected, PeerChanges } from './endpoint/peers.js'
export type { Policy, PolicyEffect, PolicyRate, PolicyRule } from './endpoint/policy.js'
export { ProxyEndpoint } from './endpoint/proxy-endpoint.js'
export { RequestEndpoint } from './endpoint/request-endpoint.js'
export type { ShutdownReport } from './endpoint/shutdown-report.js'
export { TunnelEndpoint } from './endpoint/tunnel-endpoint.js'
export {
  errorCodes,
  FastnNetError,
  type FastnNetErrorCode,
  type FastnNetErrorOptions,
  isFastnNetError,
  type Json,
  type JsonOf,
  Protocol,
  type SchemaIssue,
  type UnitProtocol
} from './errors.js'
export type { FetchOptions, HttpContext, HttpHandler, ServeHttpOptions } from './http/options.js'
export { loadSecretKey, readOrCreateSecretKey, saveSecretKey } from './keys/key-store.js'
export type { KeyStoreOptions, LoadSecretKeyOptions, StoredSecretKey } from './keys/key-store-options.js'
export type { Keyring } from './keys/keyring.js'
export type { EndpointAddress, Peer, PeerAddress, Peers } from './keys/peer.js'
export { PublicKey } from './keys/public-key.js'
export { SecretKey } from './keys/secret-key.js'
export { type Logger, type LoggerOptions, type LogLevel, type LogRecord, setLogger } from './native/logger.js'
export type { CallOptions, RequestOptions, SchemaCallOptions } from './rpc/call-options.js'
export type { RequestContext } from './rpc/request-context.js'
export type { RequestMessage } from './rpc/request-message.js'
export type {
  ItemsSchema,
  MessageSchema,
  SchemaInput,
  SchemaOutput,
  StandardSchemaIssue,
  StandardSchemaPathSegment,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1
} from './rpc/schema.js'
export type {
  Carried,
  CarriedMethods,
  PlainObject,
  ReceivedValue,
  ReturnedValue,
  Sendable,
  SentValue,
  WithToJson
} from './rpc/sendable.js'
export type { SchemaServeOptions, ServeOptions, ServeProtocolOptions } from './rpc/serve-options.js'
export {
  type Awaitable,
  type ClientMethod,
  defineService,
  type Items,
  type MethodDefinition,
  type MethodDefinitions,
  type ReceivedMessage,
  type RequestHandler,
  type SentMessage,
  Service,
  type ServiceClient,
  type ServiceImplementation,
  type ServiceOptions
} from './rpc/service.js'
export type { BridgeHttpOptions, ExposeHttpOptions, HttpDestination } from './tunnel/http-options.js'
export type {
  BridgeOptions,
  BridgeUdpOptions,
  ExposedServiceOptions,
  ExposeOptions,
  ExposeProxyOptions,
  ExposeUdpOptions,
  ProxyOptions,
  TunnelTarget
} from './tunnel/options.js'
export { Tunnel } from './tunnel/tunnel.js'
export type {
  BodyOptions,
  CancelOptions,
  ConnectionClosed,
  ConnectionPath,
  ConnectionStats,
  ConnectOptions,
  LineOptions,
  OpenOptions,
  PeerConnection,
  PeerInfo,
  ReadIntoOptions,
  TimeoutOptions
} from './types.js'
