export { IncomingStreams } from './accept.js'
export { IncomingConnections } from './accept-connections.js'
export { Access, type AccessLists } from './access.js'
export type { Authorize } from './authorize.js'
export type { CancelOptions, LineOptions, ReadIntoOptions, TimeoutOptions } from './call-options.js'
export type { ConnectMessage } from './connect-message.js'
export type { ConnectOptions } from './connect-options.js'
export { Connection } from './connection.js'
export type { ConnectionClosed, ConnectionPath, ConnectionStats } from './connection-info.js'
export { Endpoint, getEndpoint } from './endpoint.js'
export {
  errorCodes,
  FastnNetError,
  type FastnNetErrorCode,
  type FastnNetErrorOptions,
  isFastnNetError
} from './errors.js'
export { Graceful, type GracefulOptions, type SpawnOptions } from './graceful.js'
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
export { KeptPeer } from './kept-peer.js'
export type { ListenOptions, StreamHandler, StreamHandlers } from './listen.js'
export type { LogLevel, LogRecord } from './log-record.js'
export { type Logger, type LoggerOptions, setLogger } from './logger.js'
export type { CustomNetwork, DnsLookup, Network, RelayAddress } from './network.js'
export type { OpenOptions } from './open-options.js'
export type { EndpointOptions } from './options.js'
export type { EndpointAddress, Peer, PeerAddress } from './peer.js'
export type { PeerConnection, PeerInfo } from './peer-info.js'
export { type Json, type JsonOf, Protocol, type ProtocolInput, type UnitProtocol } from './protocol.js'
export type { ShutdownReport } from './shutdown-report.js'
export { PeerStream } from './stream.js'
export type { StreamMessage } from './stream-message.js'
export { PeerChanges } from './watch.js'
