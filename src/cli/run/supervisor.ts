import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoint } from '../../index.js'
import { CliError, failureOf } from '../failure.js'
import { claimOf, claimOfRunning, released } from './claims.js'
import type { Config, PlannedService } from './config.js'
import type { RunningService } from './service.js'

/** How long connections may go on whose service is gone, or gives less access than before, in milliseconds. */
const closeMs = 1_000
/** How long to try a port or a name that an old service lets go of, in milliseconds. */
const releaseMs = 2_000
const retryMs = 10

/** A service of a file, while it runs. */
export interface Running {
  readonly plan: PlannedService
  readonly service: RunningService
}

/** What applying a file did. */
export interface Changes {
  readonly started: readonly Running[]
  /** Names. */
  readonly stopped: readonly string[]
  /** Services that were left alone. */
  readonly kept: number
}

/** Runs the services of a file. */
export class Supervisor {
  readonly #endpoint: Endpoint
  readonly #signal: AbortSignal
  readonly #running = new Map<string, Running>()
  /** Accept nothing any more, but have connections. */
  readonly #draining = new Set<Running>()

  constructor(endpoint: Endpoint, signal: AbortSignal) {
    this.#endpoint = endpoint
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
   * Makes the services those of the file, or throws and leaves those that ran before. In this order:
   *
   * 1. New services are tried where they take a port or a name that an old one still has: on another port, under another name.
   * 2. The others start beside the old ones.
   * 3. Old services let go of ports and names, and new ones take them.
   * 4. What the file no longer has stops accepting. Its connections go on until they end, those of a service that is gone or gives less
   *    access than before for {@link closeMs}.
   *
   * A failure of the first two has touched nothing. After one of the third, old services take their ports and names again. Connections of
   * old services go on in each case.
   */
  async apply({ services, allow }: Config): Promise<Changes> {
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
    this.#endpoint.access.set({ allow })
    await this.#release(gone)
    await this.#close(gone.filter(({ plan }) => isLess(plan, services.get(plan.name))))
    const order = [...services.keys()]
    return {
      started: started.sort((a, b) => order.indexOf(a.plan.name) - order.indexOf(b.plan.name)),
      stopped: gone.map(({ plan }) => plan.name).filter(name => !services.has(name)),
      kept: services.size - fresh.length
    }
  }

  /** Resolves when all services have ended, after the signal. */
  async closed(): Promise<void> {
    await Promise.all([...this.running.map(({ service }) => service.closed), this.#close(this.draining)])
  }

  /** Starts a service under another port or name, and ends it. */
  async #probe({ name, probe }: PlannedService): Promise<void> {
    const service = await probe(this.#endpoint, this.#signal).catch((error: unknown) => {
      throw notStarted(name, error)
    })
    await service.close({ timeout: 0 })
  }

  /** `isReleased`: an old service lets go of its port or name, which takes a moment. */
  async #start(plan: PlannedService, isReleased = false): Promise<Running> {
    const end = performance.now() + releaseMs
    for (;;) {
      try {
        return { plan, service: await plan.start(this.#endpoint, this.#signal) }
      } catch (error) {
        const isInUse = ['ERR_LISTEN', 'ERR_PROTOCOL_IN_USE'].includes(failureOf(error).code)
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
    const { code, message, details } = failureOf(cause)
    return new CliError(code, `${message}; these could not be started again: ${lost.join(', ')}`, details)
  }
}

/** Whether a service gives less than before: to fewer peers, to fewer targets, or nothing at all. */
function isLess(old: PlannedService, now: PlannedService | undefined): boolean {
  if (now === undefined) return true
  const { allow, targets = [] } = now
  const hasPeers =
    allow === 'public' || (old.allow !== 'public' && (old.allow ?? []).every(id52 => allow?.includes(id52)))
  return !hasPeers || !(old.targets ?? []).every(target => targets.includes(target))
}

function notStarted(name: string, error: unknown): CliError {
  const { code, message, details } = failureOf(error)
  // What a command takes for a wrong command line is a wrong file here.
  return new CliError(code === 'ERR_USAGE' ? 'ERR_CONFIG' : code, `cannot start '${name}': ${message}`, details)
}
