import type { Endpoint, PeerConnection, PeerInfo } from '../../index.js'
import type { RigIdentityStatus } from '../../rig/index.js'
import type { LoggedRequest, RunningService } from '../../rig/services/index.js'

/** Maximum peers of a snapshot, connected ones first. */
const maxPeers = 1_000
/** Maximum services of a snapshot. */
const maxServices = 256

/** A service, for `status`. */
export interface ServiceStatus {
  readonly name: string
  readonly kind: string
  readonly address: string
  readonly port: number | null
  readonly connections: number
  /** Recent requests, latest first. For HTTP only. */
  readonly requests?: readonly LoggedRequest[]
}

/** A peer, for `status`. Counters cover its live connections. */
export interface PeerStatus {
  readonly peer: string
  readonly state: PeerInfo['state']
  readonly path: 'direct' | 'relay' | null
  readonly address: string | null
  /** Round-trip time in milliseconds. */
  readonly rtt: number | null
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly streams: number
  readonly connections: number
  /** Error of the last dial or connection. */
  readonly error: string | null
}

/** State of a process. */
export interface Snapshot {
  readonly pid: number
  readonly version: string
  /** Name of its command. */
  readonly command: string
  readonly id52: string
  /** Start of the process and time of the snapshot, in milliseconds since 1970. */
  readonly started: number
  readonly time: number
  readonly services: readonly ServiceStatus[]
  readonly peers: readonly PeerStatus[]
  /** Total number of peers, including omitted ones. */
  readonly peersTotal: number
  /** For a rig only. */
  readonly identities?: readonly RigIdentityStatus[]
}

/** A service with its name. */
export interface NamedService {
  readonly name: string
  readonly kind: string
  readonly service: RunningService
}

/** State of services. */
export function serviceStatuses(services: readonly NamedService[]): ServiceStatus[] {
  return services.slice(0, maxServices).map(({ name, kind, service }) => {
    const { address, port, connections, requests } = service
    return { name, kind, address, port, connections, ...(requests !== undefined && { requests: requests() }) }
  })
}

/** The peers of some endpoints. */
export function peerStatuses(endpoints: readonly Endpoint[]): { peers: PeerStatus[]; peersTotal: number } {
  const all = endpoints.length === 1 ? (endpoints[0] as Endpoint).peers() : together(endpoints)
  const [connected, others] = [all.filter(isConnected), all.filter(peer => !isConnected(peer))]
  return { peers: [...connected, ...others].slice(0, maxPeers).map(peerStatus), peersTotal: all.length }
}

/** Merges a peer of several endpoints. */
function together(endpoints: readonly Endpoint[]): PeerInfo[] {
  const found = new Map<string, PeerInfo>()
  for (const peer of endpoints.flatMap(endpoint => endpoint.peers())) {
    const other = found.get(peer.id52)
    if (other === undefined) found.set(peer.id52, peer)
    else {
      const [one, two] = isConnected(other) ? [other, peer] : [peer, other]
      found.set(peer.id52, { ...one, connections: [...one.connections, ...two.connections] })
    }
  }
  return [...found.values()]
}

function isConnected({ connections }: PeerInfo): boolean {
  return connections.length > 0
}

/** A program that has ended is no failure, and another peer would not do. */
function errorText(error: PeerInfo['lastError'], state: PeerInfo['state']): string | null {
  if (state === 'idle' && error?.code === 'ERR_SHUTTING_DOWN') return null
  return error?.message.slice(0, 500) ?? null
}

function peerStatus({ id52, state, connections, lastError }: PeerInfo): PeerStatus {
  const [first] = connections
  const path = first?.paths.find(({ selected }) => selected)
  const sum = (of: (stats: PeerConnection['stats']) => number) =>
    connections.reduce((total, { stats }) => total + of(stats), 0)
  return {
    peer: id52,
    state,
    path: path === undefined ? null : path.relay ? 'relay' : 'direct',
    address: path?.address ?? null,
    rtt: path?.rtt ?? null,
    bytesSent: sum(stats => stats.bytesSent),
    bytesReceived: sum(stats => stats.bytesReceived),
    streams: sum(stats => stats.streams),
    connections: connections.length,
    error: errorText(lastError, state)
  }
}
