import { servingFolder } from './folder.js'
import type { StartService } from './service.js'
import type { Settings } from './settings.js'
import { bridging, exposing, type Transport } from './tunnels.js'

/** A kind of service that a file can have. */
export interface ServiceKind {
  /** The value of `kind`: the name of its command. */
  readonly name: string
  /** Keys besides `kind`. */
  readonly keys: readonly string[]
  /** Checks the keys of a service. */
  plan(settings: Settings): ServicePlan
}

/** A service that can be started. */
export interface ServicePlan {
  readonly start: StartService
  /** ID52s that may use it, or everyone. Absent: it exposes nothing. */
  readonly allow?: readonly string[] | 'public'
  /** What two services of a file must not share, such as a name at the peers. */
  readonly unique?: string
}

/** Keys of a service that is exposed. */
const exposed = ['service', 'allow', 'public']

/** All kinds of services. */
export const serviceKinds: readonly ServiceKind[] = [
  exposedKind('tcp'),
  bridgeKind('tcp'),
  exposedKind('udp'),
  bridgeKind('udp'),
  {
    name: 'folder',
    keys: ['folder', 'hidden', 'listing', ...exposed],
    plan(settings) {
      const [allow, service] = [settings.access(), settings.text('service')]
      settings.requiredText('folder')
      const [hasHidden, hasListing] = [settings.flag('hidden', false), settings.flag('listing', true)]
      const start = servingFolder(settings.path('folder') ?? '', { allow, service, hasHidden, hasListing })
      return { start, allow, unique: `an HTTP service ${named(service)}` }
    }
  }
]

function exposedKind(transport: Transport): ServiceKind {
  const isUdp = transport === 'udp'
  return {
    name: transport,
    keys: ['target', ...(isUdp ? ['flow-timeout'] : []), ...exposed],
    plan(settings) {
      const target = settings.target('target', !isUdp)
      const [allow, service] = [settings.access(), settings.text('service')]
      const start = exposing(transport, target, { allow, service, ...(isUdp && flowTimeout(settings)) })
      return { start, allow, unique: `a ${transport.toUpperCase()} service ${named(service)}` }
    }
  }
}

function bridgeKind(transport: Transport): ServiceKind {
  const isUdp = transport === 'udp'
  return {
    name: `${transport}-bridge`,
    keys: ['peer', 'service', 'port', 'host', isUdp ? 'flow-timeout' : 'unix'],
    plan(settings) {
      const peer = settings.peer('peer')
      const [service, host, port] = [settings.text('service'), settings.text('host'), settings.port('port')]
      const path = isUdp ? undefined : settings.path('unix')
      if (path !== undefined && (host ?? port) !== undefined) {
        throw settings.error('unix', "'unix' excludes 'port' and 'host'")
      }
      const local = { ...(port !== undefined && { port }), ...(host !== undefined && { host }) }
      const more = isUdp ? flowTimeout(settings) : path === undefined ? {} : { path }
      const start = bridging(transport, { peer, service, ...local, ...more })
      const isFixed = path !== undefined || (port ?? 0) !== 0
      return { start, ...(isFixed && { unique: path ?? `the ${transport} port ${host ?? '127.0.0.1'}:${port}` }) }
    }
  }
}

function flowTimeout(settings: Settings): { flowTimeout?: number } {
  const time = settings.time('flow-timeout')
  return time === undefined ? {} : { flowTimeout: time }
}

function named(service: string | undefined): string {
  return service === undefined ? 'without a name' : `of the name '${service}'`
}
