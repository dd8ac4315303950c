import type { ConnectionPath, ConnectionStats } from '../types.js'
import type {
  BindingAccess,
  BindingAccessDecision,
  BindingAuthorizationRequest,
  BindingBridgeHttpOptions,
  BindingConnectionInfo,
  BindingDefaults,
  BindingEndpointOptions,
  BindingError,
  BindingExposeOptions,
  BindingKeyEnvironment,
  BindingKeyFound,
  BindingOptions,
  BindingOutcome,
  BindingPeer,
  BindingPeerInfo,
  BindingPolicy
} from './binding-types.js'

/**
 * What the addon exports, same names and order as in `crates/fastn-net-node/src`.
 *
 * Everything is synchronous. A function that must wait returns {@link PENDING}. One that failed returns {@link FAILED} or `null`;
 * `takeError()` then says why. A handle is generation and index in one safe integer. A call on one stream answers its value and the
 * halves that are over: see {@link answerOf}.
 */
export interface Native {
  version(): string
  bridgeStart(wake: () => void): void
  bridgeWoken(out: Uint32Array): number
  bridgeKeepAlive(alive: boolean): void
  takeError(): BindingError
  handleCount(): number
  errorCodes(): [code: string, kind: string][]
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
  keyStoreFile(path: string, secret: Uint8Array): Uint8Array<ArrayBuffer> | null
  fileLock(path: string): number
  serviceNotify(state: string): string | null

  optionDefaults(): BindingDefaults

  endpointBind(secret: Uint8Array, options: BindingEndpointOptions): number
  endpointAddress(endpoint: number): BindingPeer | null
  endpointTicket(endpoint: number, timeoutMs: number): number
  endpointRelayRefusal(endpoint: number): string | null
  endpointMetrics(endpoint: number): string | null
  endpointRefuseNewWork(endpoint: number): void
  endpointClose(endpoint: number, timeoutMs: number): number
  endpointPortsReleased(endpoint: number): number
  endpointDrain(endpoint: number): void
  endpointServing(endpoint: number): number[]
  endpointTasks(endpoint: number): number
  endpointQueued(endpoint: number): number
  endpointsCloseBeforeExit(endpoints: number[], timeoutMs: number): void
  endpointListen(endpoint: number, connection: number | null, protocols: string[], fallback: boolean): number
  listenerAccept(listener: number, out: Float64Array): number
  listenerPutBack(listener: number, groups: Float64Array): void
  endpointListenConnections(endpoint: number): number
  connectionListenerAccept(listener: number): number

  endpointAccess(endpoint: number): BindingAccess | null
  endpointAccessSet(endpoint: number, access: BindingAccess): number
  endpointAccessAllow(endpoint: number, ids: string[]): number
  endpointAccessDeny(endpoint: number, ids: string[]): number
  endpointReauthorize(endpoint: number): number
  endpointAuthorizationRequests(endpoint: number): number
  authorizationRequestsTake(requests: number, most: number): BindingAuthorizationRequest[] | null
  authorizationRequestsAnswer(requests: number, number: number, may: boolean): void
  endpointPolicySet(endpoint: number, policy: BindingPolicy | null): number
  endpointAccessExplain(
    endpoint: number,
    id52: string,
    protocol: string,
    service: string | null
  ): BindingAccessDecision | null

  peerAdd(endpoint: number, peer: BindingPeer): number
  openTry(peer: number, header: Uint8Array, flags: number, timeoutMs: number, out: Float64Array): number
  openStart(peer: number, header: Uint8Array, flags: number, timeoutMs: number): number
  peerConnect(peer: number, timeoutMs: number): number
  peerPing(peer: number, timeoutMs: number): number
  peerKeep(peer: number): number

  endpointPeers(endpoint: number): BindingPeerInfo[] | null
  endpointWatch(endpoint: number): number
  watchTake(watch: number): BindingPeerInfo[] | null

  streamAck(stream: number): number
  streamRead(stream: number, into: Uint8Array, offset: number): number
  streamWrite(stream: number, bytes: Uint8Array, offset: number, finish: boolean, reads: boolean): number
  streamsFlush(streams: Float64Array, count: number): void
  streamReset(stream: number, code: number | bigint): number
  streamStop(stream: number, code: number | bigint): number
  streamAbandon(stream: number, code: number): number
  streamsWatch(streams: Float64Array, count: number): void
  streamSendEnded(stream: number): number
  streamIdle(index: number): void
  streamProtocol(stream: number): string | null
  streamDelivered(endpoint: number, connection: number, stream: number): number

  connectionView(endpoint: number, connection: number): number
  connectionDispose(connection: number): void
  connectionInfo(connection: number): BindingConnectionInfo | null
  streamConnectionInfo(stream: number): BindingConnectionInfo | null
  connectionOpenTry(connection: number, header: Uint8Array, flags: number, timeoutMs: number, out: Float64Array): number
  connectionOpenStart(connection: number, header: Uint8Array, flags: number, timeoutMs: number): number
  connectionRtt(connection: number): number | null
  connectionPaths(connection: number): ConnectionPath[]
  connectionStats(connection: number): ConnectionStats | null
  connectionClose(connection: number, code: number | bigint, reason: string): void
  connectionClosed(connection: number): number

  tunnelExpose(endpoint: number, udp: boolean, target: string, options: BindingExposeOptions): number
  tunnelBridge(endpoint: number, udp: boolean, local: string, peer: BindingPeer, options: BindingOptions): number
  proxyExpose(endpoint: number, targets: string[], options: BindingExposeOptions): number
  proxyListen(endpoint: number, http: boolean, local: string, peer: BindingPeer, options: BindingOptions): number
  tunnelExposeHttp(endpoint: number, target: string, options: BindingExposeOptions): number
  tunnelBridgeHttp(endpoint: number, local: string, options: BindingBridgeHttpOptions): number
  tunnelAddress(tunnel: number): string | null
  tunnelConnections(tunnel: number): number
  tunnelClose(tunnel: number, timeoutMs: number): number
  tunnelClosed(tunnel: number): number

  logStart(): string[]
  logOpen(filter: string, bytes: number): number
  logTake(log: number, most: number): string | null
}

/** The call must wait: its waker is armed. Wait for the wake and call again. */
export const PENDING = -1
/** The call failed: `takeError()` returns the reason. */
export const FAILED = -2
/** From `streamAck` only: the stream is gone. Open it again. */
export const RETRY = -3

/** Bit of a stream call's result: the receiving half is over, and its error was reported. */
export const RECV_OVER = 1
/** Bit of a stream call's result: the same of the sending half. */
export const SEND_OVER = 2
/** Bit of a stream call's result, with {@link RECV_OVER}: the receiving half ended with the peer's FIN. */
export const EOF = 4

/** Value of a stream call's result: a count, {@link PENDING}, {@link FAILED} or {@link RETRY}. */
export function answerOf(result: number): number {
  return result >> 3
}

/** The result of a stream call with this value, while both halves go on. */
export function resultOf(value: number): number {
  return value * 8
}
