export { Connection } from './connection/connection.js'
export type { ConnectionClosed, ConnectionPath, ConnectionStats } from './connection/connection-info.js'
export { IncomingStreams } from './connection/incoming-streams.js'
export { PeerStream } from './connection/peer-stream.js'
export type { StreamMessage } from './connection/stream-message.js'
export { Access, type AccessLists } from './endpoint/access.js'
export type { Authorize } from './endpoint/authorize.js'
export type { ConnectOptions } from './endpoint/connect-options.js'
export { Endpoint, getEndpoint } from './endpoint/endpoint.js'
export { Graceful, type GracefulOptions, type SpawnOptions } from './endpoint/graceful.js'
export { IncomingConnections } from './endpoint/incoming-connections.js'
export { KeptPeer } from './endpoint/kept-peer.js'
export type { ListenOptions, StreamHandler, StreamHandlers } from './endpoint/listen.js'
export type { CustomNetwork, DnsLookup, Network, RelayAddress } from './endpoint/network.js'
export type { EndpointOptions } from './endpoint/options.js'
export type { PeerConnection, PeerInfo } from './endpoint/peer-info.js'
export type { ShutdownReport } from './endpoint/shutdown-report.js'
export { PeerChanges } from './endpoint/watch.js'
export {
  errorCodes,
  FastnNetError,
  type FastnNetErrorCode,
  type FastnNetErrorOptions,
  isFastnNetError
} from './errors.js'
export {
  type Keyring,
  type KeyStoreOptions,
  type LoadSecretKeyOptions,
  loadSecretKey,
  PublicKey,
  readOrCreateSecretKey,
  SecretKey,
  type StoredSecretKey,
  saveSecretKey
} from './identity.js'
export type { EndpointAddress, Peer, PeerAddress } from './keys/peer.js'
export type { LogLevel, LogRecord } from './native/log-record.js'
export { type Logger, type LoggerOptions, setLogger } from './native/logger.js'
export type { ConnectMessage } from './stream/connect-message.js'
export type { OpenOptions } from './stream/open-options.js'
export { type Json, type JsonOf, Protocol, type ProtocolInput, type UnitProtocol } from './stream/protocol.js'
export type { CancelOptions, LineOptions, ReadIntoOptions, TimeoutOptions } from './types.js'
