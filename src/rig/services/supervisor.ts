import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from '../../account/account.js'
import type { Endpoint } from '../../endpoint/endpoint.js'
import { FastnNetError, isFastnNetError } from '../../errors.js'
import { claimsOf, claimsOfRunning, released } from './claims.js'
import type { PlannedService } from './plan.js'
import type { RunningService } from './service.js'

/** Time for connections of a removed service, or one with less access, in milliseconds. */
const closeMs = 1_000
/** How long to retry a port or a name that an old service releases, in milliseconds. */
const releaseMs = 2_000
const retryMs = 10

/** A running service of a configuration. */
export interface Running {
  readonly plan: PlannedService
  readonly service: RunningService
}

/** Context of a service. */
export interface ServicePlace {
  readonly endpoint: Endpoint
  readonly account?: Account
}

/** Result of applying services. */
export interface Changes {
  readonly started: readonly Running[]
  /** Names. */
  readonly stopped: readonly string[]
  /** Unchanged services. */
  readonly kept: number
}

/** Runs the services of a configuration. */
export class Supervisor {
  readonly #placeOf: (plan: PlannedService) => ServicePlace
  readonly #signal: AbortSignal
  readonly #running = new Map<string, Running>()
  /** Closed services that still have connections. */
  readonly #draining = new Set<Running>()

  constructor(placeOf: (plan: PlannedService) => ServicePlace, signal: AbortSignal) {
    this.#placeOf = placeOf
    this.#signal = signal
  }

  /** The services, in no order. */
  get running(): readonly Running[] {
    return [...this.#running.values()]
  }

  /** Replaced and removed services that still have connections. */
  get draining(): readonly Running[] {
    return [...this.#draining]
  }

  /**
   * Replaces the services, or throws and keeps the old ones. In this order:
   *
   * 1. Tries new services that need a port or name of an old one, on another port or under another name.
   * 2. Updates services that can change while they run, and starts the others beside the old ones.
   * 3. Stops old services whose ports and names the others need, then updates and starts those.
   * 4. Calls `commit`, which changes the access of peers.
   * 5. Stops removed services. Their connections continue until they end; for a service that was removed or has less access, for
   *    {@link closeMs}.
   *
   * A failure in the first two steps changes nothing: updated services get their old settings again. After a failure in the third, old services restart on their ports and names.
   * Connections of old services continue in each case.
   */
  async apply(services: ReadonlyMap<string, PlannedService>, commit: () => void): Promise<Changes> {
    const other = [...services.values()].filter(
      ({ name, fingerprint }) => this.#running.get(name)?.plan.fingerprint !== fingerprint
    )
    const changed = other.filter(plan => canBecome(this.#running.get(plan.name)?.plan, plan))
    const fresh = other.filter(plan => !changed.includes(plan))
    const kept = [...services.values()].filter(plan => !fresh.includes(plan)).map(({ name }) => name)
    const gone = this.running.filter(({ plan }) => !kept.includes(plan.name))
    const ofGone = new Set(gone.flatMap(claimsOfRunning))
    // An update may release names too, as that of a router without one of its hosts.
    const ofOld = new Set([...ofGone, ...changed.flatMap(({ name }) => this.#claimsOf(name))])
    const waits = (plan: PlannedService) => claimsOf(plan).some(claim => ofGone.has(claim))
    const isHeld = (plan: PlannedService) => claimsOf(plan).some(claim => ofOld.has(claim))
    for (const plan of fresh.filter(isHeld)) await this.#probe(plan)
    const started: Running[] = []
    const drained: Running[] = []
    const updated: Running[] = []
    const release = async (plan: PlannedService) => {
      const isHolder = (each: Running) => claimsOfRunning(each).some(claim => claimsOf(plan).includes(claim))
      const holders = gone.filter(each => isHolder(each) && !drained.includes(each))
      drained.push(...holders)
      await this.#release(holders)
    }
    try {
      for (const plan of changed.filter(each => !waits(each))) updated.push(await this.#update(plan))
      for (const plan of fresh.filter(each => !isHeld(each))) started.push(await this.#start(plan))
      for (const plan of changed.filter(waits)) {
        await release(plan)
        updated.push(await this.#update(plan, true))
      }
      for (const plan of fresh.filter(isHeld)) {
        await release(plan)
        started.push(await this.#start(plan, true))
      }
    } catch (error) {
      await this.#close(started)
      const lost = await this.#reverted(updated)
      throw await this.#restarted(drained, error, lost)
    }
    for (const { plan } of gone) this.#running.delete(plan.name)
    started.push(...updated)
    for (const running of started) this.#running.set(running.plan.name, running)
    commit()
    await this.#release(gone)
    await this.#close(gone.filter(({ plan }) => isLess(plan, services.get(plan.name))))
    const order = [...services.keys()]
    return {
      started: started.sort((a, b) => order.indexOf(a.plan.name) - order.indexOf(b.plan.name)),
      stopped: gone.map(({ plan }) => plan.name).filter(name => !services.has(name)),
      kept: services.size - other.length
    }
  }

  /** Closes all services. Connections get the timeout, in milliseconds. */
  async close(timeout: number): Promise<void> {
    await Promise.all([...this.running, ...this.draining].map(({ service }) => service.close({ timeout })))
  }

  /** Resolves when all services have ended, after the signal. */
  async closed(): Promise<void> {
    await Promise.all([...this.running.map(({ service }) => service.closed), this.#close(this.draining)])
  }

  /** Starts a service on another port or under another name, and closes it. */
  async #probe(plan: PlannedService): Promise<void> {
    const { endpoint, account } = this.#placeOf(plan)
    const service = await plan.probe(endpoint, this.#signal, account).catch((error: unknown) => {
      throw notStarted(plan.name, error)
    })
    await service.close({ timeout: 0 })
  }

  /** Ports and names of a running service. */
  #claimsOf(name: string): readonly string[] {
    const running = this.#running.get(name)
    return running === undefined ? [] : claimsOfRunning(running)
  }

  /** `isReleased`: an old service is still releasing its port or name, so retry. */
  async #start(plan: PlannedService, isReleased = false): Promise<Running> {
    const { endpoint, account } = this.#placeOf(plan)
    const start = () => plan.start(endpoint, this.#signal, account)
    const service = await (isReleased ? retried(start) : start()).catch((error: unknown) => {
      throw notStarted(plan.name, error)
    })
    return { plan, service }
  }

  /** Applies settings to a running service. `isReleased`: see {@link #start}. */
  async #update(plan: PlannedService, isReleased = false): Promise<Running> {
    const { service } = this.#running.get(plan.name) as Running
    const update = async () => await plan.update?.(service)
    await (isReleased ? retried(update) : update()).catch((error: unknown) => {
      throw failed(error, message => `cannot change '${plan.name}': ${message}`)
    })
    return { plan, service }
  }

  /** Applies the old settings again. Returns the names of services that reject them. */
  async #reverted(updated: readonly Running[]): Promise<string[]> {
    const lost: string[] = []
    for (const { plan, service } of updated) {
      const before = this.#running.get(plan.name)?.plan
      await retried(async () => await before?.update?.(service)).catch(() => lost.push(plan.name))
    }
    return lost
  }

  /** Stops accepting. Connections continue until they end. */
  async #release(services: readonly Running[]): Promise<void> {
    for (const running of services.filter(each => !this.#draining.has(each))) {
      this.#draining.add(running)
      void running.service.closed.then(() => this.#draining.delete(running))
      void running.service.close({ timeout: Number.POSITIVE_INFINITY })
    }
    await Promise.all(services.map(({ service }) => released(service, releaseMs)))
  }

  async #close(services: readonly Running[]): Promise<void> {
    await Promise.all(services.map(({ service }) => service.close({ timeout: closeMs })))
  }

  /** Restarts services after a failure. Returns the error to report. `lost`: services without their old settings. */
  async #restarted(services: readonly Running[], cause: unknown, lost: string[]): Promise<unknown> {
    for (const { plan, service } of services) {
      this.#running.delete(plan.name)
      // Keep a port that the system chose: clients know it.
      const start = service.port === null ? undefined : plan.startOn?.(service.port)
      await this.#start(start === undefined ? plan : { ...plan, start }, true).then(
        running => this.#running.set(plan.name, running),
        () => lost.push(plan.name)
      )
    }
    if (lost.length === 0) return cause
    return failed(cause, message => `${message}; these services could not be restarted: ${lost.join(', ')}`)
  }
}

/** Repeats a call while the port or name that it needs is in use, for {@link releaseMs}. */
async function retried<Result>(call: () => Promise<Result>): Promise<Result> {
  const end = performance.now() + releaseMs
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const isInUse = isFastnNetError(error, 'ERR_LISTEN') || isFastnNetError(error, 'ERR_PROTOCOL_IN_USE')
      if (!isInUse || performance.now() > end) throw error
    }
    await sleep(retryMs)
  }
}

/** Whether a running service can be updated to a plan. */
function canBecome(old: PlannedService | undefined, now: PlannedService): boolean {
  return now.update !== undefined && old?.kind === now.kind && old.base === now.base
}

/** Whether a service was removed, or has fewer peers or targets than before. */
function isLess(old: PlannedService, now: PlannedService | undefined): boolean {
  if (now === undefined) return true
  const { who, targets = [] } = now
  const hasPeers = who === 'public' || (old.who !== 'public' && (old.who ?? []).every(one => who?.includes(one)))
  return !hasPeers || !(old.targets ?? []).every(target => targets.includes(target))
}

function notStarted(name: string, error: unknown): FastnNetError {
  return failed(error, message => `cannot start '${name}': ${message}`)
}

/** The same failure with another message. */
function failed(error: unknown, message: (of: string) => string): FastnNetError {
  const { message: of } = error instanceof Error ? error : new Error(String(error))
  if (isFastnNetError(error)) return new FastnNetError(error.code, message(of), { ...error, cause: error })
  const isOfSystem = typeof (error as NodeJS.ErrnoException | undefined)?.code === 'string'
  return new FastnNetError(isOfSystem ? 'ERR_FILE' : 'ERR_INTERNAL', message(of), { cause: error })
}
