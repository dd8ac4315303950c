import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from '../../account/account.js'
import type { Endpoint } from '../../endpoint/endpoint.js'
import { FastnNetError, isFastnNetError } from '../../errors.js'
import { claimOf, claimOfRunning, released } from './claims.js'
import type { PlannedService } from './plan.js'
import type { RunningService } from './service.js'

/** How long connections may go on whose service is gone, or gives less access than before, in milliseconds. */
const closeMs = 1_000
/** How long to try a port or a name that an old service lets go of, in milliseconds. */
const releaseMs = 2_000
const retryMs = 10

/** A service of a configuration, while it runs. */
export interface Running {
  readonly plan: PlannedService
  readonly service: RunningService
}

/** Where a service runs. */
export interface ServicePlace {
  readonly endpoint: Endpoint
  readonly account?: Account
}

/** Result of applying services. */
export interface Changes {
  readonly started: readonly Running[]
  /** Names. */
  readonly stopped: readonly string[]
  /** Services that were left alone. */
  readonly kept: number
}

/** Runs the services of a configuration. */
export class Supervisor {
  readonly #placeOf: (plan: PlannedService) => ServicePlace
  readonly #signal: AbortSignal
  readonly #running = new Map<string, Running>()
  /** Accept nothing any more, but have connections. */
  readonly #draining = new Set<Running>()

  constructor(placeOf: (plan: PlannedService) => ServicePlace, signal: AbortSignal) {
    this.#placeOf = placeOf
    this.#signal = signal
  }

  /** The services, in no order. */
  get running(): readonly Running[] {
    return [...this.#running.values()]
  }

  /** Services that were replaced or are gone, and still have connections. */
  get draining(): readonly Running[] {
    return [...this.#draining]
  }

  /**
   * Makes these the services, or throws and leaves those that ran before. In this order:
   *
   * 1. New services are tried where they take a port or a name that an old one still has: on another port, under another name.
   * 2. The others start beside the old ones.
   * 3. Old services let go of ports and names, and new ones take them.
   * 4. `commit` lets peers in, and others no more.
   * 5. Services that are gone stop accepting. Their connections go on until they end, those of a service that is gone or gives less
   *    access than before for {@link closeMs}.
   *
   * A failure of the first two has touched nothing. After one of the third, old services take their ports and names again. Connections of
   * old services go on in each case.
   */
  async apply(services: ReadonlyMap<string, PlannedService>, commit: () => void): Promise<Changes> {
    const gone = this.running.filter(({ plan }) => services.get(plan.name)?.fingerprint !== plan.fingerprint)
    const fresh = [...services.values()].filter(
      ({ name, fingerprint }) => this.#running.get(name)?.plan.fingerprint !== fingerprint
    )
    const held = new Set(gone.map(claimOfRunning))
    const isHeld = (plan: PlannedService) => claimOf(plan) !== undefined && held.has(claimOf(plan))
    for (const plan of fresh.filter(isHeld)) await this.#probe(plan)
    const started: Running[] = []
    const drained: Running[] = []
    try {
      for (const plan of fresh.filter(each => !isHeld(each))) started.push(await this.#start(plan))
      for (const plan of fresh.filter(isHeld)) {
        const holders = gone.filter(each => claimOfRunning(each) === claimOf(plan) && !drained.includes(each))
        drained.push(...holders)
        await this.#release(holders)
        started.push(await this.#start(plan, true))
      }
    } catch (error) {
      await this.#close(started)
      throw await this.#restarted(drained, error)
    }
    for (const { plan } of gone) this.#running.delete(plan.name)
    for (const running of started) this.#running.set(running.plan.name, running)
    commit()
    await this.#release(gone)
    await this.#close(gone.filter(({ plan }) => isLess(plan, services.get(plan.name))))
    const order = [...services.keys()]
    return {
      started: started.sort((a, b) => order.indexOf(a.plan.name) - order.indexOf(b.plan.name)),
      stopped: gone.map(({ plan }) => plan.name).filter(name => !services.has(name)),
      kept: services.size - fresh.length
    }
  }

  /** Ends all services. Connections have the timeout, in milliseconds. */
  async close(timeout: number): Promise<void> {
    await Promise.all([...this.running, ...this.draining].map(({ service }) => service.close({ timeout })))
  }

  /** Resolves when all services have ended, after the signal. */
  async closed(): Promise<void> {
    await Promise.all([...this.running.map(({ service }) => service.closed), this.#close(this.draining)])
  }

  /** Starts a service under another port or name, and ends it. */
  async #probe(plan: PlannedService): Promise<void> {
    const { endpoint, account } = this.#placeOf(plan)
    const service = await plan.probe(endpoint, this.#signal, account).catch((error: unknown) => {
      throw notStarted(plan.name, error)
    })
    await service.close({ timeout: 0 })
  }

  /** `isReleased`: an old service lets go of its port or name, which takes a moment. */
  async #start(plan: PlannedService, isReleased = false): Promise<Running> {
    const end = performance.now() + releaseMs
    const { endpoint, account } = this.#placeOf(plan)
    for (;;) {
      try {
        return { plan, service: await plan.start(endpoint, this.#signal, account) }
      } catch (error) {
        const isInUse = isFastnNetError(error, 'ERR_LISTEN') || isFastnNetError(error, 'ERR_PROTOCOL_IN_USE')
        if (!isReleased || !isInUse || performance.now() > end) throw notStarted(plan.name, error)
      }
      await sleep(retryMs)
    }
  }

  /** Ends accepting. Connections go on until they end. */
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

  /** Starts services again after a failure. Returns what to report. */
  async #restarted(services: readonly Running[], cause: unknown): Promise<unknown> {
    const lost: string[] = []
    for (const { plan, service } of services) {
      this.#running.delete(plan.name)
      // Its clients know the port, also if the system has chosen it.
      const start = service.port === null ? undefined : plan.startOn?.(service.port)
      await this.#start(start === undefined ? plan : { ...plan, start }, true).then(
        running => this.#running.set(plan.name, running),
        () => lost.push(plan.name)
      )
    }
    if (lost.length === 0) return cause
    return failed(cause, message => `${message}; these could not be started again: ${lost.join(', ')}`)
  }
}

/** Whether a service gives less than before: to fewer peers, to fewer targets, or nothing at all. */
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
