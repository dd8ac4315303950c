import type { Endpoint } from '../../index.js'
import { CliError, failureOf } from '../failure.js'
import type { Config, PlannedService } from './config.js'
import type { RunningService } from './service.js'

/** How long the connections of a service that is stopped or replaced may go on, in milliseconds. */
const closeMs = 1_000

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

  constructor(endpoint: Endpoint, signal: AbortSignal) {
    this.#endpoint = endpoint
    this.#signal = signal
  }

  /** The services, in no order. */
  get running(): readonly Running[] {
    return [...this.#running.values()]
  }

  /**
   * Makes the services those of the file. What has not changed is left alone: its connections go on. If one cannot be started, those that
   * ran before are started again, and the error is thrown.
   */
  async apply({ services, allow }: Config): Promise<Changes> {
    const gone = this.running.filter(({ plan }) => services.get(plan.name)?.fingerprint !== plan.fingerprint)
    const fresh = [...services.values()].filter(
      ({ name, fingerprint }) => this.#running.get(name)?.plan.fingerprint !== fingerprint
    )
    // First, so that their ports and names are free.
    await this.#stop(gone)
    const started: Running[] = []
    try {
      for (const plan of fresh) started.push(await this.#start(plan))
    } catch (error) {
      await this.#stop(started)
      throw await this.#restarted(gone, error)
    }
    this.#endpoint.access.set({ allow })
    return {
      started,
      stopped: gone.map(({ plan }) => plan.name).filter(name => !services.has(name)),
      kept: services.size - fresh.length
    }
  }

  /** Resolves when all services have ended, after the signal. */
  async closed(): Promise<void> {
    await Promise.all(this.running.map(({ service }) => service.closed))
  }

  /** Starts services again after a failure. Returns what to report. */
  async #restarted(services: readonly Running[], cause: unknown): Promise<unknown> {
    const lost: string[] = []
    for (const { plan } of services) await this.#start(plan).catch(() => lost.push(plan.name))
    if (lost.length === 0) return cause
    const { code, message, details } = failureOf(cause)
    return new CliError(code, `${message}; these could not be started again: ${lost.join(', ')}`, details)
  }

  async #start(plan: PlannedService): Promise<Running> {
    const service = await plan.start(this.#endpoint, this.#signal).catch((error: unknown) => {
      throw notStarted(plan.name, error)
    })
    const running = { plan, service }
    this.#running.set(plan.name, running)
    return running
  }

  async #stop(services: readonly Running[]): Promise<void> {
    await Promise.all(services.map(({ service }) => service.close({ timeout: closeMs })))
    for (const { plan } of services) this.#running.delete(plan.name)
  }
}

function notStarted(name: string, error: unknown): CliError {
  const { code, message, details } = failureOf(error)
  // What a command takes for a wrong command line is a wrong file here.
  return new CliError(code === 'ERR_USAGE' ? 'ERR_CONFIG' : code, `cannot start '${name}': ${message}`, details)
}
