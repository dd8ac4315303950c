import { randomBytes } from 'node:crypto'
import { nearest } from '../../util/nearest.js'
import { RigConfigError } from '../config-error.js'
import { claimOfIdentity } from './claims.js'
import { type ServicePlan, serviceKinds } from './kinds.js'
import type { RunningService, StartService } from './service.js'
import type { Settings } from './settings.js'

/** Most services of a configuration. */
const maxServices = 256

/** A service of a configuration. */
export interface PlannedService extends ServicePlan {
  readonly name: string
  readonly kind: string
  /** ID52 of the identity whose endpoint it uses. For a rig only. */
  readonly identity?: string
  /** Equal for equal settings. */
  readonly fingerprint: string
  /** Starts it on a free port or under a random name, to detect errors while another service holds its port or name. */
  readonly probe: StartService
  /**
   * Identifies the settings that need a restart. A running service with the same `base` takes the other settings by {@link update}. Absent:
   * every change needs a restart.
   */
  readonly base?: string
  /** Applies settings to a running service. A failure changes nothing. */
  readonly update?: (service: RunningService) => Promise<void>
  /** Starts it on another port. For a bridge or proxy only. */
  readonly startOn?: (port: number) => StartService
}

/** ID52 of a named identity, or of the default one. */
export type IdentityOf = (settings: Settings) => string

/** Checks the services of a configuration. `tables`: a table for each. Without `identityOf`, there are no identities. */
export function planServices(tables: Settings, identityOf?: IdentityOf): ReadonlyMap<string, PlannedService> {
  const names = tables.keys
  if (names.length > maxServices) throw new RigConfigError([], `there are more than ${maxServices} services`)
  const services = new Map(names.map(name => [name, planOf(name, tables.table(name), identityOf)]))
  checkUnique(services, tables)
  return services
}

function planOf(name: string, settings: Settings, identityOf: IdentityOf | undefined): PlannedService {
  if (!/^[\w.-]{1,64}$/.test(name))
    throw settings.error('kind', `the name '${name.slice(0, 64)}' has more than letters, digits, '.', '_' and '-'`)
  const common = identityOf === undefined ? ['kind'] : ['kind', 'identity']
  const wanted = settings.keys.includes('kind') ? undefined : nearest('kind', settings.keys)
  if (wanted !== undefined) settings.expect([...common, ...settings.keys.filter(key => key !== wanted)])
  settings.requiredText('kind')
  const names = serviceKinds.map(each => each.name)
  const kind = serviceKinds.find(each => each.name === settings.choice('kind', names))
  if (kind === undefined) throw settings.error('kind', `'kind' must be one of ${names.join(', ')}`)
  settings.expect([...common, ...kind.keys])
  const identity = identityOf?.(settings)
  const plan = kind.plan(settings)
  const hasPort = kind.keys.includes('port')
  const startOn = (port: number) => kind.plan(settings.with({ port, unix: undefined })).start
  const probe = hasPort
    ? startOn(0)
    : kind.plan(settings.with({ service: `probe-${randomBytes(16).toString('hex')}` })).start
  return {
    name,
    kind: kind.name,
    // The default identity can change.
    fingerprint: JSON.stringify([settings, identity]),
    probe,
    ...(hasPort && { startOn }),
    ...plan,
    ...(identity !== undefined && ofIdentity(identity, plan))
  }
}

/** Service names are per identity; local ports are per machine. */
function ofIdentity(identity: string, { who, unique }: ServicePlan): Partial<PlannedService> & { identity: string } {
  return who === undefined || unique === undefined
    ? { identity }
    : { identity, unique: claimOfIdentity(unique, identity) }
}

function checkUnique(services: ReadonlyMap<string, PlannedService>, tables: Settings): void {
  const seen = new Map<string, string>()
  for (const { name, unique } of services.values()) {
    const other = unique === undefined ? undefined : seen.get(unique)
    if (other !== undefined) throw tables.error(name, `'${name}' and '${other}' are both ${unique}`)
    if (unique !== undefined) seen.set(unique, name)
  }
}
