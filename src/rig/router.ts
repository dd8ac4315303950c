import type { AccountRule } from '../account/data.js'
import { createRouter, type Router } from '../router/router.js'
import type { RouterAllow, RouterTarget } from '../router/target.js'
import { RigConfigError } from './config-error.js'
import { claimOfIdentity, portClaim, serviceClaim } from './services/claims.js'
import type { PlannedService } from './services/plan.js'
import type { RunningService, StartService } from './services/service.js'
import type { Settings } from './services/settings.js'

/** Name of the router among the services. */
export const routerName = 'router'

/** Handlers that the rig itself adds, by host. */
export type OwnHosts = () => Readonly<Record<string, RouterTarget>>

/** Running routers. */
const routers = new WeakMap<RunningService, Router>()

/** A target of a configuration, and its users. */
interface PlannedTarget {
  readonly target: RouterTarget
  readonly allow: RouterAllow | undefined
}

/** Checks the table `[router]`. `port`: from the environment variable, which has precedence. */
export function planRouter(table: Settings, identity: string, port: number | undefined, own: OwnHosts): PlannedService {
  table.expect(['identity', 'port', 'host', 'peers', 'home', 'hosts'])
  const host = table.text('host')
  const peers = table.choice('peers', ['all', 'known', 'none']) as 'all' | 'known' | 'none' | undefined
  const tables = table.table('hosts')
  const hosts = new Map(tables.keys.map(name => [name, targetOf(tables.table(name))]))
  const home = table.keys.includes('home') ? targetOf(table.table('home')) : undefined
  const wanted = port ?? table.port('port') ?? 0
  const rules = [...hosts].flatMap(([name, target]) => rulesOf(target, name))
  if (home !== undefined) rules.push(...rulesOf(home, ''))
  // Keep a port that the system chose: clients know it.
  let at = wanted
  const shared = [...hosts, ...(home === undefined ? [] : [[undefined, home] as const])]
  const names = shared.flatMap(([name, { allow }]) =>
    allow === undefined ? [] : [claimOfIdentity(serviceClaim('an HTTP service', name), identity)]
  )
  const targets = Object.fromEntries([...hosts].map(([name, { target }]) => [name, target]))
  const routes = () => ({ peers, hosts: { ...own(), ...targets }, home: home?.target })
  const start: StartService = async (endpoint, signal, account) => {
    const router = await createRouter({ endpoint, account, port: at, host, ...routes(), signal })
    at = router.port
    const running: RunningService = {
      address: router.url,
      port: null,
      get connections() {
        return router.connections
      },
      closed: router.closed,
      close: options => router.close(options)
    }
    routers.set(running, router)
    return running
  }
  return {
    name: routerName,
    kind: routerName,
    identity,
    // The own hosts depend on the mail.
    fingerprint: JSON.stringify([table, identity, wanted, Object.keys(own())]),
    base: JSON.stringify([identity, host, wanted]),
    update: async service => await routers.get(service)?.update(routes()),
    rules,
    ...(wanted !== 0 && { unique: `the TCP port ${host ?? '127.0.0.1'}:${wanted}` }),
    // A router is replaced by no other beside it: the system may have chosen its port.
    claims: [routerName, ...(wanted === 0 ? [] : [portClaim('tcp', wanted)]), ...names],
    start,
    // On another port, and without services for peers: the old router has those names.
    probe: async (endpoint, signal, account) => {
      const targets = [...hosts].map(([name, { target }]) => [name, { ...target, allow: undefined }])
      const router = await createRouter({ endpoint, account, peers, hosts: Object.fromEntries(targets), signal })
      return { address: '', port: null, connections: 0, closed: router.closed, close: options => router.close(options) }
    }
  }
}

const common = ['allow', 'public', 'cross-origin']
const kinds: Readonly<Record<string, readonly string[]>> = {
  folder: ['listing', 'hidden'],
  backend: ['host-header'],
  peer: ['service']
}

function targetOf(table: Settings): PlannedTarget {
  const kind = Object.keys(kinds).find(name => table.keys.includes(name))
  if (kind === undefined) throw table.error('folder', `a target has one of ${Object.keys(kinds).join(', ')}`)
  table.expect([kind, ...(kinds[kind] ?? []), ...common])
  const allow = allowOf(table)
  const crossOrigin = table.flag('cross-origin', false)
  const more = { allow, crossOrigin }
  if (kind === 'folder') {
    const folder = table.path('folder') ?? ''
    return {
      allow,
      target: { folder, listing: table.flag('listing', false), hidden: table.flag('hidden', false), ...more }
    }
  }
  if (kind === 'backend')
    return { allow, target: { backend: table.webTarget('backend'), hostHeader: table.text('host-header'), ...more } }
  return { allow, target: { peer: table.requiredText('peer'), service: table.text('service'), ...more } }
}

/** Unlike a service, a target may be local only. */
function allowOf(table: Settings): RouterAllow | undefined {
  if (table.keys.includes('public') || table.keys.includes('allow')) {
    const { who } = table.access()
    return who
  }
  return undefined
}

/** Rules of the account that let peers use a target under the name of its service. */
function rulesOf({ allow }: PlannedTarget, service: string): AccountRule[] {
  if (allow === undefined) return []
  const rule = (who: AccountRule['who']): AccountRule => ({ who, protocol: 'Http', service, effect: 'allow' })
  if (allow === 'public') return [rule('everyone')]
  // Devices of the account have the access level `self`, which every `allow` includes.
  return [rule('devices'), ...(allow === 'self' ? [] : [rule(allow as readonly string[])])]
}

/** The port of an environment variable; `undefined` if it is not set. */
export function portOfEnvironment(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new RigConfigError(
    [],
    `the environment variable ${name} must be a port from 0 to 65535, not '${text.slice(0, 64)}'`
  )
}
