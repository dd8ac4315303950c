import type { Account } from '../account/account.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { FastnNetError } from '../errors.js'
import { inspectAs } from '../util/display.js'
import { checkOptions, timeLimit } from '../util/validate.js'
import { version } from '../version.js'
import { checkConfig, type RigConfig } from './config.js'
import { RigConfigError } from './config-error.js'
import { entitiesOf, findEntity } from './entities.js'
import { lockHome } from './lock.js'
import { ServiceManager } from './notify.js'
import { type ResolvedRig, type RigOptions, resolveRig } from './options.js'
import { runningStatus } from './running.js'
import { Runtime, type Wanted } from './runtime.js'
import type { Running } from './services/supervisor.js'
import { stateOf } from './state.js'
import type { RigChanges, RigStatus } from './status.js'

/** A configuration, or a function that reads it, called once per reload. */
export type RigConfigSource = RigConfig | (() => RigConfig | Promise<RigConfig>)

/**
 * Starts the rig of a home: an endpoint and an account for each online identity, and the configured services. Only one process can run it.
 *
 * Keeps the process alive until {@link Rig.close}.
 *
 * @param config The configuration, or a function that reads it.
 * @throws {FastnNetError} `ERR_BUSY` if another process runs the rig; the message names it. {@link RigConfigError} for a wrong configuration.
 * `ERR_FILE` if the folder is not the home of a rig. `ERR_KEY_STORE`. `ERR_BIND`. `ERR_LISTEN`. `ERR_PROTOCOL_IN_USE`. `ERR_INVALID_ARGUMENT`.
 * Errors of the function.
 *
 * @example
 * await using rig = await startRig({
 *   services: { web: { kind: 'http', target: 8080, allow: ['friends'] } }
 * })
 */
export async function startRig(config: RigConfigSource, options: RigOptions = {}): Promise<Rig> {
  const resolved = resolveRig(options)
  const { paths, signal } = resolved
  signal?.throwIfAborted()
  await stateOf(paths)
  const unlock = lockHome(paths)
  try {
    const wanted = await read(config, resolved)
    return await rigOf(resolved, config, wanted, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

/**
 * Checks a configuration for a home without starting it. Works while the rig runs.
 *
 * @returns Names of the services.
 * @throws {FastnNetError} {@link RigConfigError}. `ERR_FILE`. `ERR_INVALID_ARGUMENT`. Errors of the function.
 */
export async function checkRig(
  config: RigConfigSource,
  options: Pick<RigOptions, 'home' | 'folder'> = {}
): Promise<string[]> {
  const { plan } = await read(config, resolveRig(options))
  return [...plan.services.keys()]
}

/** Reads and checks the home and the configuration. */
async function read(config: RigConfigSource, { paths, folder }: ResolvedRig): Promise<Wanted> {
  const value = typeof config === 'function' ? await config() : config
  const state = await stateOf(paths)
  const entities = await entitiesOf(paths, state)
  return { state, entities, plan: checkConfig(value, { paths, folder, entities, current: state.current }) }
}

let rigOf: (resolved: ResolvedRig, config: RigConfigSource, wanted: Wanted, unlock: () => void) => Promise<Rig>

/** A running rig. Started by {@link startRig}. */
export class Rig implements AsyncDisposable {
  readonly #options: ResolvedRig
  readonly #unlock: () => void
  readonly #manager: ServiceManager
  readonly #runtime: Runtime
  readonly #started = Date.now()
  #applied: RigStatus['applied'] = { time: this.#started, error: null }
  #config: RigConfigSource
  /** The last change. Changes run one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined
  /** Handles a reload through RigControl. Replaced by the command line, which also prints it. @internal */
  reloadForPeer: () => Promise<RigChanges> = () => this.reload()

  private constructor(options: ResolvedRig, config: RigConfigSource, wanted: Wanted, unlock: () => void) {
    this.#options = options
    this.#config = config
    this.#unlock = unlock
    this.#manager = new ServiceManager(options.notify)
    this.#runtime = new Runtime(
      options.paths,
      { status: () => this.status(), reload: () => this.reloadForPeer() },
      wanted
    )
  }

  /** ID52 of the rig. */
  get id52(): string {
    return this.#runtime.wanted.state.rig
  }

  /**
   * The endpoint of an identity; `undefined` if it is offline. Going offline and online again creates a new endpoint.
   *
   * @param entity An ID52, the name of an account, or `'rig'`.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity.
   */
  endpoint(entity: string): Endpoint | undefined {
    const { id52 } = findEntity(this.#runtime.wanted.entities, entity)
    return this.#runtime.identities.get(id52)?.endpoint
  }

  /**
   * The account of an identity; `undefined` if it is offline. It resolves the names in services: `friends` admits the members of that group.
   * The account of the rig itself knows only the owner, and is not stored.
   *
   * @param entity An ID52, the name of an account, or `'rig'`.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is no such identity.
   *
   * @example
   * const { text } = await rig.account('work').invite({ name: 'alice', groups: ['friends'] })
   */
  account(entity: string): Account | undefined {
    const { id52 } = findEntity(this.#runtime.wanted.entities, entity)
    return this.#runtime.identities.get(id52)?.account
  }

  /** Returns a snapshot of the rig. */
  status(): RigStatus {
    const { wanted, healthUrl: health } = this.#runtime
    const { rig: id52, owner, current } = wanted.state
    const [started, time] = [this.#started, Date.now()]
    const { identities, services } = runningStatus(this.#runtime)
    return { version, id52, owner, current, started, time, identities, services, health, applied: this.#applied }
  }

  /** Metrics of all identities' endpoints, as from `Endpoint.metrics`. Each sample has the label `endpoint`, an ID52. */
  metrics(): string {
    return this.#runtime.metrics()
  }

  /**
   * Applies a configuration, and changes of the home by commands: online identities and the current one. Checks first, then applies all
   * changes or none: if an identity or a service fails to start, the previous state stays. Unchanged identities and services are not
   * restarted. Connections of a changed service continue until they end. Changes run one after the other.
   *
   * @param config The new configuration. Default: the previous one; a function is called again.
   * @throws {FastnNetError} {@link RigConfigError} for an invalid configuration. `ERR_LISTEN`. `ERR_PROTOCOL_IN_USE`. `ERR_FILE`. `ERR_KEY_STORE`.
   * `ERR_BIND`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED`. Errors of the function.
   */
  async reload(config?: RigConfigSource): Promise<RigChanges> {
    const made = this.#changing.then(async () => {
      if (this.#closed !== undefined) throw new FastnNetError('ERR_CLOSED', 'the rig is closed')
      this.#manager.reloading()
      try {
        return await this.#reload(config ?? this.#config)
      } finally {
        this.#manager.ready(this.#summary())
      }
    })
    this.#changing = made.catch(() => {})
    return await made
  }

  /**
   * Closes services and identities, and unlocks the home. Idempotent.
   *
   * @param options `timeout`: time for connections and finished streams to complete, in milliseconds. Default: 5 s.
   */
  close(options: { timeout?: number | undefined } = {}): Promise<void> {
    const { timeout = 5_000 } = checkOptions(options, { timeout: true })
    this.#closed ??= this.#close(timeLimit(timeout, 'options.timeout'))
    return this.#closed
  }

  /** Same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Services, for the page of the command line. @internal */
  get services(): { readonly running: readonly Running[]; readonly draining: readonly Running[] } {
    return this.#runtime.supervisor
  }

  /** Endpoints, for the page of the command line. @internal */
  get endpoints(): readonly Endpoint[] {
    return [...this.#runtime.identities.values()].map(({ endpoint }) => endpoint)
  }

  async #start(): Promise<this> {
    const { signal } = this.#options
    const stop = () => void this.close({ timeout: 0 })
    signal?.addEventListener('abort', stop, { once: true })
    try {
      await this.#runtime.change(this.#runtime.wanted)
      signal?.throwIfAborted()
    } catch (error) {
      await this.close({ timeout: 0 })
      throw signal?.aborted === true ? signal.reason : error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
    this.#manager.ready(this.#summary())
    return this
  }

  async #reload(config: RigConfigSource): Promise<RigChanges> {
    try {
      const wanted = await read(config, this.#options)
      checkSameNetwork(this.#runtime.wanted, wanted)
      const changes = await this.#runtime.change(wanted)
      this.#config = config
      this.#applied = { time: Date.now(), error: null }
      return changes
    } catch (error) {
      this.#applied = { time: Date.now(), error: error instanceof Error ? error.message : String(error) }
      throw error
    }
  }

  async #close(timeout: number): Promise<void> {
    this.#manager.stopping()
    await this.#changing
    await this.#runtime.close(timeout)
    this.#unlock()
  }

  /** For `systemctl status`. */
  #summary(): string {
    const { identities, supervisor } = this.#runtime
    const { error } = this.#applied
    const failure = error === null ? '' : `; the last change was rejected: ${error}`
    return `${identities.size} online, ${supervisor.running.length} services${failure}`.replaceAll('\n', ' ')
  }

  static {
    rigOf = async (...parts) => await new Rig(...parts).#start()
    inspectAs(this, self => `Rig(${self.id52})`)
  }
}

/** Settings of endpoints need a restart. */
function checkSameNetwork({ plan: old }: Wanted, { plan: now }: Wanted): void {
  for (const key of ['network', 'relays'] as const) {
    if (JSON.stringify(old.network[key]) === JSON.stringify(now.network[key])) continue
    throw new RigConfigError([key], `a change of '${key}' needs a restart`)
  }
}
