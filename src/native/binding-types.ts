import type { ConnectionClosed, PeerInfo } from '../types.js'

/** A failure as the core found it. */
export interface BindingError {
  code: string
  message: string
  errorCode: number | bigint | null
  remoteCode: string | null
  /** No handler of the peer has seen, or will see, the stream that failed. */
  unprocessed: boolean
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
  closed: ConnectionClosed | null
}

/** What the key store reads from the process environment. */
export interface BindingKeyEnvironment {
  secretKey: string | null
  secretKeys: string | null
  secretKeysFile: string | null
}

/** A key that was found: its secret, or its ID52 if the secret is in the keyring. */
export interface BindingKeyFound {
  secret: Uint8Array<ArrayBuffer> | null
  inKeyring: string | null
  place: string
}

/** ID52 and addresses of a peer. */
export interface BindingPeer {
  id52: string
  addresses: string[]
  relays: string[]
}

/** Access, authorization and rate options of an endpoint. */
export interface BindingGuardOptions {
  access: BindingAccess
  authorize: BindingOptions
  streamsPerSecond: number | null
  streamsBurst: number
}

/** Access lists: ID52s. */
export interface BindingAccess {
  allow: string[] | null
  deny: string[]
}

/** Whether a peer may connect, or open a stream of this protocol (JSON). */
export interface BindingAuthorizationRequest {
  number: number
  id52: string
  protocol: string | null
}

/** What a policy is compiled from. Of several rules that match, the first decides. */
export interface BindingPolicy {
  /** ID52s of the peers in each set. */
  sets: string[][]
  rules: BindingPolicyRule[]
  otherwise: BindingPolicyEffect
}

/** A rule; `null` matches everything. */
export interface BindingPolicyRule {
  /** Index of a set. */
  peers: number | null
  /** JSON of a protocol. */
  protocol: string | null
  service: string | null
  effect: BindingPolicyEffect
}

/** What happens to a stream. `limitAll`: a rate that all peers share. */
export interface BindingPolicyEffect {
  kind: 'allow' | 'deny' | 'ask' | 'limit' | 'limitAll'
  perSecond: number
  burst: number
}

/** What decides about a stream. */
export interface BindingAccessDecision {
  by: 'deny' | 'allow' | 'rule' | 'otherwise' | 'nothing'
  /** Index of the rule; `null` if none decides. */
  rule: number | null
}

/** What does not change about a connection. */
export interface BindingConnectionInfo {
  id: number
  id52: string
  alpn: string
  dialled: boolean
}

/** A peer's snapshot, before its error is one of JavaScript. */
export type BindingPeerInfo = Omit<PeerInfo, 'lastError'> & { readonly lastError: BindingError | null }

/** Options that the core obeys, by name: counts, bytes, milliseconds, texts, or booleans. Those that are missing have their default. */
export type BindingOptions = Readonly<Record<string, number | string | boolean>>

/** All fields are always there, `null` where absent. */
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
  connect: BindingOptions
  limits: BindingOptions
  guard: BindingGuardOptions
}

/** How a service is exposed; `allow`: ID52s, `null` for all. */
export interface BindingExposeOptions {
  allow: string[] | null
  values: BindingOptions
}

/** A peer's HTTP service. */
export interface BindingHttpDestination {
  peer: BindingPeer
  service: string | null
}

/** The service that a host means. */
export interface BindingHttpHost {
  name: string
  destination: BindingHttpDestination
}

/** Which HTTP services a bridge reaches. */
export interface BindingBridgeHttpOptions {
  destination: BindingHttpDestination | null
  hosts: BindingHttpHost[]
  values: BindingOptions
}

/** Defaults of the core's options that are numbers, by name. */
export type BindingDefaults = Readonly<
  Record<
    'limits' | 'connect' | 'authorize' | 'open' | 'expose' | 'exposeHttp' | 'bridge' | 'bridgeHttp',
    Readonly<Record<string, number>>
  >
>
