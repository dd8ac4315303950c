import { isPlain } from '../util/validate.js'
import { autoconfigHosts } from './autoconfig.js'
import { RigConfigError } from './config-error.js'
import { findEntity, type RigEntity } from './entities.js'
import type { HomePaths } from './home.js'
import { checkMailIdentity, mailFolder, mailName, planMail, serversOf } from './mail.js'
import type { MailConfig, RouterConfig } from './part-configs.js'
import { planRouter, portOfEnvironment, routerName } from './router.js'
import { type NetworkSettings, networkSettings } from './services/network.js'
import { type PlannedService, planServices } from './services/plan.js'
import { Settings } from './services/settings.js'

/** HTTP server of `/health` and `/metrics`. */
export interface HealthConfig {
  /** Port. `0` selects a free one; {@link RigStatus} has it. */
  port: number
  /** Local address. Default: `'127.0.0.1'`. */
  host?: string | undefined
  /** Accepted values of the header `Host` besides those of this machine. Default: none. */
  names?: readonly string[] | undefined
}

/** A service, with the keys of its kind: see `run` in docs/cli.md. */
export interface ServiceConfig {
  /** `'tcp'`, `'tcp-bridge'`, `'udp'`, `'udp-bridge'`, `'http'`, `'http-bridge'`, `'proxy-remote'`, `'proxy'` or `'socks5'`. */
  kind: string
  /** The identity that exposes it or dials: an ID52, the name of an account, or `'rig'`. Default: the current one. */
  identity?: string | undefined
  /** Keys of the kind. */
  [key: string]: unknown
}

/**
 * Configuration of a rig, with the keys of its TOML file. It is checked on use; {@link RigConfigError} names an invalid key. Unknown keys are
 * errors.
 */
export interface RigConfig {
  /** Network of all identities. Default: the environment variable `FASTN_NET_NETWORK`, else `'internet'`. A change needs a restart. */
  network?: 'internet' | 'lan' | 'loopback' | undefined
  /** URLs of relays to use instead of the public ones. A change needs a restart. Default: none. */
  relays?: readonly string[] | undefined
  /** Health and metrics over HTTP. Default: none. */
  health?: HealthConfig | undefined
  /** Services and tunnels by name, at most 256. Services of an offline identity do not run. */
  services?: Readonly<Record<string, ServiceConfig>> | undefined
  /** The router. Default: none, unless `FASTN_HTTP_PORT` is set. */
  router?: RouterConfig | undefined
  /** Mail. Default: none. */
  mail?: MailConfig | undefined
}

/** A checked configuration. */
export interface RigPlan {
  readonly network: NetworkSettings
  readonly health: { readonly port: number; readonly host: string; readonly names: readonly string[] } | undefined
  readonly services: ReadonlyMap<string, PlannedService>
}

/** Context of a check. */
export interface CheckOptions {
  readonly paths: HomePaths
  readonly folder: string
  readonly entities: readonly RigEntity[]
  /** ID52 of the current identity. */
  readonly current: string
}

/** Checks a configuration. */
export function checkConfig(config: unknown, { paths, folder, entities, current }: CheckOptions): RigPlan {
  const isTable = typeof config === 'object' && config !== null && isPlain(config)
  if (!isTable) throw new RigConfigError([], 'the configuration must be an object')
  const root = new Settings(config, [], { folder, hasNames: true })
  root.expect(['network', 'relays', 'health', 'services', 'router', 'mail'])
  const identityOf = (settings: Settings) => {
    const name = settings.text('identity')
    if (name === undefined) return current
    try {
      return findEntity(entities, name).id52
    } catch (error) {
      throw settings.error('identity', (error as Error).message.replace(/^entity/, "'identity'"))
    }
  }
  return {
    network: networkSettings(root),
    health: root.keys.includes('health') ? healthOf(root.table('health')) : undefined,
    services: withParts(root, identityOf, { paths, entities })
  }
}

/** Services, including the router and mail. */
function withParts(
  root: Settings,
  identityOf: (settings: Settings) => string,
  { paths, entities }: Pick<CheckOptions, 'paths' | 'entities'>
): ReadonlyMap<string, PlannedService> {
  const tables = root.table('services')
  const services = new Map(planServices(tables, identityOf))
  for (const name of [routerName, mailName])
    if (services.has(name)) throw tables.error(name, `a service cannot be called '${name}'`)
  let mail: { readonly identity: string; readonly folder: string } | undefined
  if (root.keys.includes('mail')) {
    const table = root.table('mail')
    const identity = identityOf(table)
    const { account } = findEntity(entities, identity)
    const folder = mailFolder(paths.accounts, checkMailIdentity(account))
    mail = { identity, folder }
    const ports = { smtp: portOfEnvironment('FASTN_SMTP_PORT'), imap: portOfEnvironment('FASTN_IMAP_PORT') }
    services.set(mailName, planMail(table, { identity, ports, places: { mail: folder, tls: paths.tls } }))
  }
  const port = portOfEnvironment('FASTN_HTTP_PORT')
  if (root.keys.includes('router') || port !== undefined) {
    const table = root.table('router')
    const identity = identityOf(table)
    const own = () => (mail?.identity === identity ? autoconfigHosts(identity, () => serversOf(mail.folder)) : {})
    services.set(routerName, planRouter(table, identity, port, own))
  }
  return services
}

function healthOf(table: Settings): RigPlan['health'] {
  table.expect(['port', 'host', 'names'])
  const port = table.port('port')
  if (port === undefined) throw table.error('port', "'port' is missing in [health]")
  return { port, host: table.text('host') ?? '127.0.0.1', names: table.texts('names') }
}
