import type { Listener } from '../endpoint/listener.js'
import { FastnNetError } from '../errors.js'
import type { RigPlan } from './config.js'
import { type Controlled, serveControl } from './control.js'
import type { RigEntity } from './entities.js'
import { HealthServer } from './health.js'
import type { HomePaths } from './home.js'
import { RunningIdentity } from './identity.js'
import { mergeMetrics } from './metrics.js'
import { LoopbackPorts } from './ports.js'
import type { PlannedService } from './services/plan.js'
import { type ServicePlace, Supervisor } from './services/supervisor.js'
import type { RigState } from './state.js'
import type { RigChanges } from './status.js'

/** Time for an identity that goes offline to deliver finished streams, in milliseconds. */
const offlineMs = 5_000

/** Desired state, from the home and the configuration. */
export interface Wanted {
  readonly state: RigState
  readonly entities: readonly RigEntity[]
  readonly plan: RigPlan
}

/** The running endpoints of identities, their services, and the health server. Changed atomically. */
export class Runtime {
  readonly #paths: HomePaths
  readonly #ports: LoopbackPorts
  readonly #controlled: Controlled
  readonly #end = new AbortController()
  readonly supervisor: Supervisor
  readonly identities: Map<string, RunningIdentity> = new Map()
  #control: Listener | undefined
  #health: HealthServer | undefined
  /** The state that was last applied. */
  wanted: Wanted

  constructor(paths: HomePaths, controlled: Controlled, wanted: Wanted) {
    this.#paths = paths
    this.#ports = new LoopbackPorts(paths.ports)
    this.#controlled = controlled
    this.wanted = wanted
    this.supervisor = new Supervisor(plan => this.#placeOf(plan), this.#end.signal)
  }

  /** Address of health and metrics. */
  get healthUrl(): string | null {
    return this.#health?.url ?? null
  }

  /** Metrics of all endpoints. */
  metrics(): string {
    return mergeMetrics([...this.identities].map(([id52, { endpoint }]) => ({ id52, text: endpoint.metrics() })))
  }

  /** Applies the desired state, or throws and keeps the previous one. Calls must not overlap. */
  async change(wanted: Wanted): Promise<RigChanges> {
    const { plan, entities } = wanted
    const online = entities.filter(entity => entity.online)
    const services = servicesOf(plan.services, online)
    const fresh = online.filter(({ id52 }) => !this.identities.has(id52))
    const opened = await this.#open(fresh, wanted)
    for (const identity of opened) this.identities.set(identity.entity.id52, identity)
    let health = this.#health
    try {
      if (!HealthServer.isSame(health, plan.health)) health = await this.#serveHealth(plan.health)
      const { started, stopped, kept } = await this.supervisor.apply(services, () => {
        for (const identity of this.identities.values()) identity.setServices(services.values())
      })
      if (health !== this.#health) this.#health?.close()
      this.#health = health
      this.wanted = wanted
      const offline = [...this.identities.values()].filter(
        ({ entity }) => !online.some(({ id52 }) => id52 === entity.id52)
      )
      await this.#controlAt(wanted.state.rig, offline)
      for (const { entity } of offline) this.identities.delete(entity.id52)
      await Promise.all(offline.map(identity => identity.close(offlineMs)))
      const names = started.map(({ plan: { name } }) => name)
      return { online: idsOf(opened), offline: idsOf(offline), started: names, stopped, kept }
    } catch (error) {
      if (health !== this.#health) health?.close()
      for (const { entity } of opened) this.identities.delete(entity.id52)
      await Promise.all(opened.map(identity => identity.close(0)))
      throw error
    }
  }

  /** Closes everything. Connections and finished streams get the timeout, in milliseconds. */
  async close(timeout: number): Promise<void> {
    this.#health?.close()
    await this.supervisor.close(timeout)
    this.#end.abort()
    await Promise.all([...this.identities.values()].map(identity => identity.close(timeout)))
  }

  #placeOf({ identity = '' }: PlannedService): ServicePlace {
    const found = this.identities.get(identity)
    if (found !== undefined) return found
    throw new FastnNetError('ERR_INTERNAL', `the identity ${identity} is offline`)
  }

  /** Brings all identities online, or none. */
  async #open(entities: readonly RigEntity[], { state, plan, entities: all }: Wanted): Promise<RunningIdentity[]> {
    const owners = all.filter(({ account }) => account === state.owner).map(({ id52 }) => id52)
    const settings = { paths: this.#paths, ports: this.#ports, network: plan.network }
    const options = { ...settings, owners, signal: this.#end.signal }
    const tried = await Promise.allSettled(entities.map(entity => RunningIdentity.open(entity, options)))
    const opened = tried.flatMap(each => (each.status === 'fulfilled' ? each.value : []))
    const failed = tried.find(each => each.status === 'rejected')
    if (failed === undefined) return opened
    await Promise.all(opened.map(identity => identity.close(0)))
    throw failed.reason
  }

  async #serveHealth(plan: RigPlan['health']): Promise<HealthServer | undefined> {
    if (plan === undefined) return undefined
    return await HealthServer.listen(plan, {
      names: () => this.wanted.plan.health?.names ?? [],
      health: () => ({ status: 'ok', identities: this.identities.size, services: this.supervisor.running.length }),
      metrics: () => this.metrics()
    })
  }

  /** Serves RigControl on the endpoint of the rig, unless that goes offline. */
  async #controlAt(rig: string, offline: readonly RunningIdentity[]): Promise<void> {
    const identity = this.identities.get(rig)
    if (identity === undefined || offline.includes(identity)) this.#control = undefined
    else if (this.#control === undefined) {
      this.#control = serveControl(identity.endpoint, this.#controlled)
      await this.#control.ready
    }
  }
}

/** The services of online identities. */
function servicesOf(
  services: ReadonlyMap<string, PlannedService>,
  online: readonly RigEntity[]
): ReadonlyMap<string, PlannedService> {
  return new Map([...services].filter(([, { identity }]) => online.some(({ id52 }) => id52 === identity)))
}

function idsOf(identities: readonly RunningIdentity[]): string[] {
  return identities.map(({ entity }) => entity.id52)
}
