import { type Account, openAccount } from '../account/account.js'
import type { AccountData, AccountRule } from '../account/data.js'
import { fileStore } from '../account/file-store.js'
import { memoryStore } from '../account/store.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { createEndpoint } from '../endpoint/get-endpoint.js'
import { FastnNetError } from '../errors.js'
import { keyOf, type RigEntity } from './entities.js'
import { accountFile, type HomePaths } from './home.js'
import type { LoopbackPorts } from './ports.js'
import { isLoopback, type NetworkSettings, networkOf } from './services/network.js'
import type { PlannedService } from './services/plan.js'

/** Settings of an identity. */
export interface OpeningOptions {
  readonly paths: HomePaths
  readonly ports: LoopbackPorts
  readonly network: NetworkSettings
  /** ID52s of the owner of the rig. */
  readonly owners: readonly string[]
  readonly signal: AbortSignal
}

/** An online identity: its endpoint, and the account that controls access. */
export class RunningIdentity {
  readonly entity: RigEntity
  readonly endpoint: Endpoint
  readonly account: Account

  private constructor(entity: RigEntity, endpoint: Endpoint, account: Account) {
    this.entity = entity
    this.endpoint = endpoint
    this.account = account
  }

  static async open(entity: RigEntity, options: OpeningOptions): Promise<RunningIdentity> {
    const { paths, ports, network, owners, signal } = options
    try {
      const key = await keyOf(paths, entity, signal)
      const endpointOptions = { key, network: networkOf(network), closeOnExit: true, signal }
      const endpoint = isLoopback(network)
        ? await ports.createEndpoint(entity.id52, { ...endpointOptions, network: 'loopback' })
        : await createEndpoint(endpointOptions)
      try {
        const { id52, account } = entity
        const store = account === null ? memoryStore(ownersOnly(owners)) : fileStore(accountFile(paths, account, id52))
        return new RunningIdentity(entity, endpoint, await openAccount(endpoint, { store, key }))
      } catch (error) {
        await endpoint.close({ timeout: 0 })
        throw error
      }
    } catch (error) {
      throw notOnline(entity, error)
    }
  }

  /** Admits the peers of these services, and revokes access to all others. */
  setServices(services: Iterable<PlannedService>): void {
    const rules = [...services].filter(({ identity }) => identity === this.entity.id52).flatMap(rulesOf)
    this.account.setProgramRules(rules)
  }

  async close(timeout: number): Promise<void> {
    await this.account.close()
    await this.endpoint.close({ timeout })
  }
}

/** Account of the rig's own identity: only the owner may control the rig. */
function ownersOnly(owners: readonly string[]): AccountData {
  const aliases = Object.fromEntries(owners.map((id52, at) => [at === 0 ? 'owner' : `owner-${at + 1}`, { id52 }]))
  const rules: AccountRule[] = [{ who: 'owners', protocol: 'RigControl', effect: 'allow' }]
  return { aliases, groups: { owners: Object.keys(aliases) }, rules, devices: {}, invitations: {} }
}

/** Rules of an account that let the peers of a service use it. */
function rulesOf({ who, protocols = [], service, rules = [] }: PlannedService): readonly AccountRule[] {
  if (who === undefined) return rules
  return protocols.map(protocol => ({
    who: who === 'public' ? 'everyone' : who,
    protocol,
    // The protocol of older peers has no service names.
    ...(protocol !== 'HttpProxy' && { service: service ?? '' }),
    effect: 'allow'
  }))
}

function notOnline({ id52, name, kind }: RigEntity, error: unknown): unknown {
  if (!(error instanceof FastnNetError)) return error
  const message = `cannot bring ${name ?? kind} ${id52} online: ${error.message}`
  return new FastnNetError(error.code, message, { ...error, cause: error })
}
