import { createSocket, type SocketType } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createEndpoint, type Endpoint, isFastnNetError, SecretKey } from '../index.js'

/** Result of a check. */
export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped'
  /** The finding. */
  readonly detail: string
  /** Advice. */
  readonly advice?: string
}

/** Clock skew at which relay certificates fail. */
const maxSkewMs = 60_000
/** Limits of a check of the network. */
export interface Limits {
  readonly signal: AbortSignal
  /** How long the check may wait, in milliseconds. */
  readonly timeout: number
}

/** The runtime, the system and the addon. */
export async function checkRuntime(): Promise<Finding> {
  // Loads the addon.
  SecretKey.generate()
  const { arch, platform, versions } = process
  // Some runtimes have no reports.
  const host: { readonly report?: { getReport(): object } } = process
  const { header } = (host.report?.getReport() ?? {}) as { header?: { glibcVersionRuntime?: string } }
  const libc = header?.glibcVersionRuntime === undefined ? '' : `, glibc ${header.glibcVersionRuntime}`
  return { status: 'ok', detail: `Node.js ${versions.node}, ${platform} ${arch}${libc}; the addon is loaded` }
}

/** Whether UDP sockets can be bound. */
export async function checkSockets(): Promise<Finding> {
  const [four, six] = await Promise.all([canBind('udp4'), canBind('udp6')])
  if (four === undefined && six === undefined) return { status: 'ok', detail: 'UDP over IPv4 and IPv6' }
  if (four !== undefined && six !== undefined) {
    return { status: 'fail', detail: `no UDP socket: ${four}`, advice: 'Allow UDP in the sandbox or container.' }
  }
  const [has, lacks] = four === undefined ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4']
  return { status: 'ok', detail: `UDP over ${has}; this machine has no ${lacks}` }
}

function canBind(type: SocketType): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(type)
    socket.once('error', error => {
      socket.close()
      resolve((error as NodeJS.ErrnoException).code ?? error.message)
    })
    socket.bind(0, () => socket.close(() => resolve(undefined)))
  })
}

/** Whether two local endpoints reach each other. */
export async function checkLoopback({ signal, timeout }: Limits): Promise<Finding> {
  const options = { network: 'loopback', signal, closeTimeout: 500 } as const
  const server = await createEndpoint(options)
  const client = await createEndpoint(options)
  try {
    const listener = server.listen({ Doctor: () => {} })
    await listener.ready
    const ms = await client.ping(server.address(), { signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]) })
    return { status: 'ok', detail: `two endpoints on this machine reach each other in ${ms.toFixed(1)} ms` }
  } catch (error) {
    signal.throwIfAborted()
    const advice = 'Allow UDP on 127.0.0.1 in the firewall or sandbox.'
    return { status: 'fail', detail: `two endpoints on this machine: ${reasonOf(error)}`, advice }
  } finally {
    await Promise.all([server.close(), client.close()])
  }
}

/** Whether a relay is connected. */
export async function checkRelay(endpoint: Endpoint, { signal, timeout }: Limits): Promise<Finding> {
  await endpoint.ticket({ timeout, signal })
  const { relays } = endpoint.address()
  if (relays.length > 0) return { status: 'ok', detail: `connected to ${relays.join(', ')}` }
  return {
    status: 'fail',
    detail: `no relay was reached within ${timeout / 1000} s`,
    advice:
      'Allow HTTPS to the relays, or name your own with --relay. Peers can reach this machine on the local network only.'
  }
}

/** Whether this machine has a public address. */
export function checkNat(endpoint: Endpoint): Finding {
  const { addresses } = endpoint.address()
  const own = new Set(Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address)))
  const hosts = addresses.map(hostOf)
  const seen = addresses.filter((_, index) => !own.has(hosts[index] ?? ''))
  if (seen.length > 0) {
    return { status: 'ok', detail: `behind a NAT, seen as ${seen.join(', ')}; peers connect through it or by relay` }
  }
  const open = hosts.filter(isPublic)
  if (open.length > 0) return { status: 'ok', detail: `reachable at ${open.join(', ')} if no firewall blocks UDP` }
  return {
    status: 'warn',
    detail: 'no public address was found',
    advice: 'UDP may be blocked. Peers outside the local network then connect by relay, which is slower.'
  }
}

/** The host of `address:port`. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')
}

function isPublic(host: string): boolean {
  if (isIPv4(host))
    return !/^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
      host
    )
  return !/^(?:::|f[cde]|fe80)/i.test(host)
}

/** Whether peers can find this endpoint by its ID52 alone. */
export async function checkLookup(endpoint: Endpoint, { signal, timeout }: Limits): Promise<Finding> {
  const listener = endpoint.listen({ Doctor: () => {} })
  const other = await createEndpoint({ signal, closeTimeout: 500, openTimeout: timeout })
  try {
    await listener.ready
    const started = performance.now()
    await other.connect(endpoint.id52, { signal })
    return { status: 'ok', detail: `found by ID52 in ${Math.round(performance.now() - started)} ms` }
  } catch (error) {
    signal.throwIfAborted()
    const advice = 'Allow HTTPS and DNS to the look-up servers, or give peers a ticket instead of the ID52.'
    return { status: 'warn', detail: `not found by ID52: ${reasonOf(error)}`, advice }
  } finally {
    await other.close()
    await listener.close({ timeout: 0 })
  }
}

/** Compares the clock with a relay's. */
export async function checkClock(relay: string | undefined, { signal, timeout }: Limits): Promise<Finding> {
  if (relay === undefined) return { status: 'skipped', detail: 'no relay to compare the clock with' }
  try {
    const response = await fetch(relay, {
      method: 'HEAD',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)])
    })
    const date = Date.parse(response.headers.get('date') ?? '')
    if (Number.isNaN(date)) return { status: 'skipped', detail: 'the relay does not tell the time' }
    const skew = Date.now() - date
    const seconds = `${Math.abs(skew / 1000).toFixed(0)} s`
    if (Math.abs(skew) < maxSkewMs) return { status: 'ok', detail: `within ${seconds} of the relay's` }
    const advice = 'Set the clock: certificates are refused otherwise.'
    return { status: 'fail', detail: `${seconds} ${skew > 0 ? 'ahead of' : 'behind'} the relay's`, advice }
  } catch (error) {
    signal.throwIfAborted()
    return { status: 'skipped', detail: `the relay does not tell the time: ${reasonOf(error)}` }
  }
}

function reasonOf(error: unknown): string {
  if (isFastnNetError(error)) return error.message
  return error instanceof Error ? error.message : String(error)
}
