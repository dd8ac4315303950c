import type { AccountRule } from '../../account/data.js'
import type { Protocol } from '../../errors.js'
import { type Claiming, portClaim, serviceClaim } from './claims.js'
import { servingFolder } from './folder.js'
import { exposingProxy, proxying } from './proxies.js'
import type { StartService } from './service.js'
import type { Settings } from './settings.js'
import { bridging, bridgingHttp, exposing, exposingHttp, type Transport } from './tunnels.js'

/** A kind of service. */
export interface ServiceKind {
  /** The value of `kind`: the name of its command. */
  readonly name: string
  /** Keys besides `kind`. */
  readonly keys: readonly string[]
  /** Checks the keys of a service. */
  plan(settings: Settings): ServicePlan
}

/** A checked service, ready to start. */
export interface ServicePlan extends Claiming {
  readonly start: StartService
  /** Its users: ID52s and names, or everyone. Absent for a bridge. */
  readonly who?: readonly string[] | 'public'
  /** Rules of the account besides those for `who`. */
  readonly rules?: readonly AccountRule[]
  /** Its protocols, for the rules of an account. */
  readonly protocols?: readonly Protocol[]
  /** Service name. */
  readonly service?: string | undefined
  /** Allowed destinations. For a proxy only. */
  readonly targets?: readonly string[]
}

/** Keys of an exposed service. */
const exposed = ['service', 'allow', 'public']
/** Keys of a service that listens on a local port. */
const local = ['service', 'port', 'host']

/** All kinds of services. */
export const serviceKinds: readonly ServiceKind[] = [
  exposedKind('tcp'),
  bridgeKind('tcp'),
  exposedKind('udp'),
  bridgeKind('udp'),
  {
    name: 'proxy-remote',
    keys: ['targets', ...exposed],
    plan(settings) {
      const [{ allow, who }, service, targets] = [
        settings.access(),
        settings.text('service'),
        settings.texts('targets')
      ]
      if (targets.length === 0)
        throw settings.error('kind', "'targets' is missing: list the destinations that peers may reach")
      const start = exposingProxy({ targets, allow, service })
      const protocols: readonly Protocol[] = service === undefined ? ['Socks5', 'HttpProxy'] : ['Socks5']
      return { start, who, protocols, service, targets, unique: serviceClaim('a proxy', service) }
    }
  },
  proxyKind('proxy'),
  proxyKind('socks5'),
  {
    name: 'http',
    keys: ['target', 'host-header', ...exposed],
    plan(settings) {
      const target = settings.webTarget('target')
      const [{ allow, who }, service] = [settings.access(), settings.text('service')]
      const start = exposingHttp(target, { allow, service, hostHeader: settings.text('host-header') })
      return { start, who, protocols: ['Http'], service, unique: serviceClaim('an HTTP service', service) }
    }
  },
  {
    name: 'http-bridge',
    keys: ['peer', ...local, 'unix'],
    plan(settings) {
      const { here, unique } = listeningOf(settings, 'tcp')
      const service = settings.text('service')
      const isOfPeer = settings.keys.includes('peer')
      if (!isOfPeer && service !== undefined) throw settings.error('service', "'service' needs 'peer'")
      const start = bridgingHttp({ ...here, ...(isOfPeer && { peer: settings.peer('peer'), service }) })
      return { start, ...unique }
    }
  },
  {
    name: 'folder',
    keys: ['folder', 'hidden', 'listing', ...exposed],
    plan(settings) {
      const [{ allow, who }, service] = [settings.access(), settings.text('service')]
      settings.requiredText('folder')
      const [hasHidden, hasListing] = [settings.flag('hidden', false), settings.flag('listing', true)]
      const start = servingFolder(settings.path('folder') ?? '', { allow, service, hasHidden, hasListing })
      return { start, who, protocols: ['Http'], service, unique: serviceClaim('an HTTP service', service) }
    }
  }
]

function proxyKind(name: 'proxy' | 'socks5'): ServiceKind {
  return {
    name,
    keys: ['peer', ...local],
    plan(settings) {
      const [peer, here] = [settings.peer('peer'), localOf(settings)]
      return { start: proxying(name, peer, { ...here, service: settings.text('service') }), ...portOf('tcp', here) }
    }
  }
}

function exposedKind(transport: Transport): ServiceKind {
  const isUdp = transport === 'udp'
  return {
    name: transport,
    keys: ['target', ...(isUdp ? ['flow-timeout'] : []), ...exposed],
    plan(settings) {
      const target = settings.target('target', !isUdp)
      const [{ allow, who }, service] = [settings.access(), settings.text('service')]
      const start = exposing(transport, target, { allow, service, ...(isUdp && flowTimeout(settings)) })
      const protocols: readonly Protocol[] = [isUdp ? { Generic: { fastn: 'udp' } } : 'Tcp']
      return { start, who, protocols, service, unique: serviceClaim(`a ${transport.toUpperCase()} service`, service) }
    }
  }
}

function bridgeKind(transport: Transport): ServiceKind {
  const isUdp = transport === 'udp'
  return {
    name: `${transport}-bridge`,
    keys: ['peer', ...local, isUdp ? 'flow-timeout' : 'unix'],
    plan(settings) {
      const [peer, service] = [settings.peer('peer'), settings.text('service')]
      const { here, unique } = listeningOf(settings, transport)
      const start = bridging(transport, { peer, service, ...here, ...(isUdp && flowTimeout(settings)) })
      return { start, ...unique }
    }
  }
}

interface LocalAddress {
  readonly port?: number
  readonly host?: string
}

function localOf(settings: Settings): LocalAddress {
  const [host, port] = [settings.text('host'), settings.port('port')]
  return { ...(port !== undefined && { port }), ...(host !== undefined && { host }) }
}

function portOf(transport: Transport, { port = 0, host = '127.0.0.1' }: LocalAddress): Claiming {
  if (port === 0) return {}
  return { unique: `the ${transport.toUpperCase()} port ${host}:${port}`, claims: [portClaim(transport, port)] }
}

/** Local address of a bridge, and its exclusive resource. */
function listeningOf(
  settings: Settings,
  transport: Transport
): { here: LocalAddress & { path?: string }; unique: Claiming } {
  const here = localOf(settings)
  const path = transport === 'udp' ? undefined : settings.path('unix')
  if (path === undefined) return { here, unique: portOf(transport, here) }
  if (Object.keys(here).length > 0) throw settings.error('unix', "'unix' excludes 'port' and 'host'")
  return { here: { path }, unique: { unique: path } }
}

function flowTimeout(settings: Settings): { flowTimeout?: number } {
  const time = settings.time('flow-timeout')
  return time === undefined ? {} : { flowTimeout: time }
}
