/**
 * What the addon exports, same names and order as in `crates/fastn-net-node/src`.
 *
 * Everything is synchronous. A function that cannot go on answers {@link PENDING}, one that failed {@link FAILED} or `null`;
 * `takeError()` then says why. A handle is generation and index in one safe integer; results are counts with a flag in bit 0.
 */
export interface Native {
  version(): string
  bridgeStart(wake: () => void): void
  bridgeWoken(out: Uint32Array): number
  bridgeHold(hold: boolean): void
  takeError(): BindingError
  handleCount(): number
  errorCodes(): string[]
  handleRelease(handle: number): void

  opTake(op: number): BindingOutcome | null
  opCancel(op: number): void

  secretKeyGenerate(): Uint8Array<ArrayBuffer>
  secretKeyParse(text: string): Uint8Array<ArrayBuffer> | null
  secretKeyPublic(secret: Uint8Array): Uint8Array<ArrayBuffer> | null
  secretKeySign(secret: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer>
  publicKeyParse(text: string): Uint8Array<ArrayBuffer> | null
  publicKeyCheck(bytes: Uint8Array): boolean
  publicKeyId52(bytes: Uint8Array): string
  publicKeyVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  ticketParse(text: string): BindingPeer | null
  protocolHeader(json: string): string | null

  keyStoreFind(
    folder: string,
    name: string | null,
    id52: string | null,
    environment: BindingKeyEnvironment
  ): BindingKeyFound | null
  keyStoreSave(folder: string, name: string | null, secret: Uint8Array): string | null
  keyStoreSavePublic(folder: string, name: string | null, publicKey: Uint8Array): string | null

  endpointBind(secret: Uint8Array, options: BindingEndpointOptions): number
  endpointAddress(endpoint: number): BindingPeer | null
  endpointTicket(endpoint: number, timeoutMs: number): number
  endpointRelayRefusal(endpoint: number): string | null
  endpointMetrics(endpoint: number): string | null
  endpointCountRetry(endpoint: number): void
  endpointClose(endpoint: number, timeoutMs: number): number
  endpointFreed(endpoint: number): number
  endpointDrain(endpoint: number): void
  endpointServing(endpoint: number): number[]
  endpointQueued(endpoint: number): number
  endpointsFarewell(endpoints: number[], timeoutMs: number): void
  endpointListen(endpoint: number, connection: number | null, protocols: string[], otherwise: boolean): number
  listenerAccept(listener: number, out: Float64Array): number
  listenerPutBack(listener: number, groups: Float64Array): void
  endpointIncoming(endpoint: number): number
  incomingTake(incoming: number): number

  endpointAccess(endpoint: number): BindingAccess | null
  endpointAccessSet(endpoint: number, access: BindingAccess): number
  endpointAccessAllow(endpoint: number, ids: string[]): number
  endpointAccessDeny(endpoint: number, ids: string[]): number
  endpointReauthorize(endpoint: number): number
  endpointQuestions(endpoint: number): number
  questionsTake(questions: number, most: number): BindingQuestion[] | null
  questionsAnswer(questions: number, number: number, may: boolean): void

  peerAdd(endpoint: number, peer: BindingPeer): number
  openTry(peer: number, header: Uint8Array, hasExtra: boolean, out: Float64Array): number
  openStart(
    peer: number,
    header: Uint8Array,
    hasExtra: boolean,
    awaitAck: boolean,
    retry: boolean,
    timeoutMs: number
  ): number
  peerConnect(peer: number, timeoutMs: number): number
  peerPing(peer: number, timeoutMs: number): number
  peerKeep(peer: number): number

  endpointPeers(endpoint: number): BindingPeerInfo[] | null
  endpointWatch(endpoint: number): number
  watchTake(watch: number): BindingPeerInfo[] | null

  streamAck(stream: number): number
  streamAckLate(stream: number): void
  streamRead(stream: number, into: Uint8Array, offset: number): number
  streamWrite(stream: number, bytes: Uint8Array, offset: number, finish: boolean): number
  streamsFlush(streams: Float64Array, count: number): void
  streamReset(stream: number, code: number | bigint): void
  streamStop(stream: number, code: number | bigint): void
  streamLetGo(stream: number, code: number): void
  streamsWatch(streams: Float64Array, count: number): void
  streamSendEnded(stream: number): number
  streamIdle(index: number): void
  streamProtocol(stream: number): string | null
  streamAcknowledged(endpoint: number, connection: number, stream: number): number

  streamsUnacknowledged(streams: Float64Array, count: number): number
  streamGiveUp(stream: number): boolean

  connectionView(endpoint: number, connection: number): number
  connectionDispose(connection: number): void
  connectionInfo(connection: number): BindingConnectionInfo | null
  streamConnectionInfo(stream: number): BindingConnectionInfo | null
  connectionOpenTry(connection: number, header: Uint8Array, hasExtra: boolean, out: Float64Array): number
  connectionOpenStart(
    connection: number,
    header: Uint8Array,
    hasExtra: boolean,
    awaitAck: boolean,
    timeoutMs: number
  ): number
  connectionRtt(connection: number): number | null
  connectionPaths(connection: number): BindingPath[]
  connectionStats(connection: number): BindingStats | null
  connectionClose(connection: number, code: number | bigint, reason: string): void
  connectionClosed(connection: number): number

  logStart(): string[]
  logOpen(filter: string, bytes: number): number
  logTake(log: number, most: number): string | null
}

/** Not now: the waker is armed, park and call again. */
export const PENDING = -1
/** It failed: `takeError()` says why. */
export const FAILED = -2
/** Only `streamAck`: the stream is gone, and what it sent may be sent again unseen. */
export const RETRY = -3

/** A failure as the core found it. */
export interface BindingError {
  code: string
  message: string
  errorCode: number | bigint | null
  remoteCode: string | null
  cause: string | null
}

/** How an operation ended; which field is set depends on the operation. */
export interface BindingOutcome {
  error: BindingError | null
  handle: number | null
  /** Of a stream: its connection's number and its own id. */
  ids: number[] | null
  text: string | null
  number: number | null
  closed: BindingCloseInfo | null
}

/** How a connection ended. */
export interface BindingCloseInfo {
  code: number | bigint
  reason: string
  by: 'local' | 'peer' | 'network'
}

/** What the key store reads from the process environment. */
export interface BindingKeyEnvironment {
  secretKey: string | null
  secretKeys: string | null
  secretKeysFile: string | null
}

/** A key that was found, or whose it is when the secret is in the keyring. */
export interface BindingKeyFound {
  secret: Uint8Array<ArrayBuffer> | null
  inKeyring: string | null
  place: string
}

/** Who a peer is and where it may be. */
export interface BindingPeer {
  id52: string
  addresses: string[]
  relays: string[]
}

/** Who may connect, what for, and how much. */
export interface BindingGuardOptions {
  access: BindingAccess
  authorizePeer: boolean
  authorizeStream: boolean
  authorizeTimeout: number
  authorizePending: number
  authorizePendingPerPeer: number
  maxStreamsPerPeer: number
  maxStreamsTotal: number
  streamsPerSecond: number | null
  streamsBurst: number
}

/** ID52s of who may and who may not. */
export interface BindingAccess {
  allow: string[] | null
  deny: string[]
}

/** Whether a peer may connect, or open a stream of this protocol (JSON). */
export interface BindingQuestion {
  number: number
  id52: string
  protocol: string | null
}

/** What does not change about a connection. */
export interface BindingConnectionInfo {
  id: number
  id52: string
  alpn: string
  dialled: boolean
}

/** One way that packets of a connection can take; `rtt` in milliseconds. */
export interface BindingPath {
  address: string
  relay: boolean
  selected: boolean
  rtt: number
}

/** Counters of one connection. */
export interface BindingStats {
  bytesSent: number
  bytesReceived: number
  datagramsSent: number
  datagramsReceived: number
  lostPackets: number
  streams: number
}

/** How it stands with a peer; `nextRetry` in milliseconds from now. */
export interface BindingPeerInfo {
  id52: string
  known: boolean
  state: 'idle' | 'dialling' | 'connected' | 'backing-off'
  kept: boolean
  attempts: number
  lastError: BindingError | null
  nextRetry: number | null
  connections: BindingPeerConnection[]
}

/** One of a peer's connections. */
export interface BindingPeerConnection {
  alpn: string
  dialled: boolean
  preferred: boolean
  paths: BindingPath[]
  stats: BindingStats
}

/** All fields are always there, `null` where absent; milliseconds and bytes. Every default is in `options.ts`. */
export interface BindingEndpointOptions {
  network: 'internet' | 'lan' | 'loopback' | 'custom'
  relays: { url: string; token: string | null }[] | null
  dnsOrigin: string | null
  dnsServer: string | null
  pkarr: string | null
  mdns: boolean
  portMapping: boolean
  bind: string[] | null
  peers: BindingPeer[]
  kulfi: boolean
  connectRetries: number | null
  connectMinDelay: number
  connectMaxDelay: number
  connectAttemptTimeout: number
  ackTimeout: number
  headerTimeout: number
  headerBytes: number
  pingTimeout: number
  idleTimeout: number
  bidiStreams: number
  receiveWindow: number
  receiveWindowPerPeer: number
  maxConnections: number
  maxConnectionsPerPeer: number
  guard: BindingGuardOptions
  queuedStreams: number
  queuedStreamsPerPeer: number
}
