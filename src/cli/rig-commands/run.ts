import { once } from 'node:events'
import { checkRig, type Rig, type RigChanges, startRig } from '../../rig/index.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { failureOf } from '../failure.js'
import { onHangup } from '../interrupt.js'
import { FileWatch } from '../run/file-watch.js'
import { whilePublished } from '../status/publish.js'
import type { NamedService } from '../status/snapshot.js'
import { showTunnelWarnings } from '../warnings.js'
import { doFor } from './control.js'
import { whileControlled } from './control-socket.js'
import { RigFile } from './file.js'
import { homeOf, homeOption, stateOf } from './home.js'
import { hideSqliteWarning } from './sqlite-warning.js'

/** Runs a rig. */
export const run: Command = {
  name: 'rig run',
  summary: 'Run the rig until Ctrl-C.',
  description:
    'Prints the online identities with their tickets, then the name, kind and address of each service. Applies changes to\n' +
    'its files, and reloads on SIGHUP. Validates first, then applies all changes or none; unchanged services are not\n' +
    'restarted. Notifies systemd when it is ready. Only one process can run a rig.',
  options: {
    ...homeOption,
    config: { help: 'The configuration. Default: rig.toml in the folder of the rig.', value: 'FILE', short: 'c' },
    check: { help: 'Only check the configuration.' }
  },
  examples: [
    ['fastn-net rig run', 'Run it.'],
    ['fastn-net rig run --check', 'Validate the configuration.']
  ],
  async run(context) {
    const { args, output, signal } = context
    hideSqliteWarning()
    const home = homeOf(context)
    const file = new RigFile(home, args.text('config'))
    if (args.has('check')) {
      const services = await checkRig(file.read, { home, folder: file.folder }).catch((error: unknown) => {
        throw file.failure(error)
      })
      const line = `${file.path}: ${services.length} ${services.length === 1 ? 'service' : 'services'}`
      await output.result(line, { event: 'checked', file: file.path, services })
      return undefined
    }
    showTunnelWarnings(context)
    const rig = await startRig(file.read, { home, folder: file.folder, notify: true, signal }).catch(
      (error: unknown) => {
        throw file.failure(error)
      }
    )
    try {
      await new RigRunner(context, rig, file, home).run()
    } finally {
      await rig.close()
    }
    return undefined
  }
}

/** Runs a rig until the command ends, and applies its files when they change. */
class RigRunner {
  readonly #context: Context
  readonly #rig: Rig
  readonly #file: RigFile
  readonly #home: string
  /** The last applied or rejected files. */
  #version = ''
  #reloading: Promise<unknown> = Promise.resolve()

  constructor(context: Context, rig: Rig, file: RigFile, home: string) {
    this.#context = context
    this.#rig = rig
    this.#file = file
    this.#home = home
  }

  async run(): Promise<void> {
    this.#version = await this.#file.version()
    onHangup(() => void this.#reload(true).catch(() => {}))
    this.#rig.reloadForPeer = async () => (await this.#reload(true)) ?? (await this.#rig.reload())
    const { id52, health, services, identities } = this.#rig.status()
    await this.#printIdentities(identities.filter(({ running }) => running).map(identity => identity.id52))
    await this.#printServices(services.map(({ name }) => name))
    const { output } = this.#context
    const shown = {
      id52,
      endpoints: () => this.#rig.endpoints,
      services: () => this.#services(),
      more: () => ({ identities: this.#rig.status().identities })
    }
    const control = (request: unknown) => doFor(this.#rig, request, () => this.#reload(true))
    const work = async () => {
      await output.event({ event: 'ready', id52, home: this.#home, health })
      if (health !== null) output.hint(`health and metrics: ${health}/health, ${health}/metrics`)
      await this.#untilEnd()
    }
    await whilePublished(this.#context, shown, () => whileControlled(this.#home, control, output, work))
  }

  /** Reloads the files until the command ends. */
  async #untilEnd(): Promise<void> {
    const { signal } = this.#context
    const onChange = () => void this.#reload(false).catch(() => {})
    const watches = [this.#file.path, stateOf(this.#home)].map(path => new FileWatch(path, onChange))
    try {
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      for (const watch of watches) watch.close()
    }
    await this.#reloading.catch(() => {})
  }

  #services(): NamedService[] {
    const { running, draining } = this.#rig.services
    return [
      ...running.map(({ plan: { name, kind }, service }) => ({ name, kind, service })),
      ...draining.map(({ plan: { name, kind }, service }) => ({ name: `${name} (old)`, kind, service }))
    ]
  }

  /** Prints online identities with their tickets, after waiting for the relay, if any. */
  async #printIdentities(online: readonly string[]): Promise<void> {
    const { signal, output } = this.#context
    const all = this.#rig.status().identities.filter(({ id52 }) => online.includes(id52))
    const tickets = await Promise.all(all.map(({ id52 }) => this.#rig.endpoint(id52)?.ticket({ signal })))
    for (const [at, identity] of all.entries()) {
      const { id52, kind, name } = identity
      const line = `${name ?? kind} ${tickets[at] ?? id52}`
      await output.result(line, { event: 'identity', ...identity, ticket: tickets[at] ?? null })
    }
  }

  async #printServices(started: readonly string[]): Promise<void> {
    for (const service of this.#rig.status().services) {
      const { name, kind, address, ending } = service
      if (ending || !started.includes(name)) continue
      await this.#context.output.result(`${name} ${kind} ${address}`, {
        event: 'service',
        state: 'running',
        ...service
      })
    }
  }

  /** Reloads the files, after a reload in progress. `isAsked`: even if they have not changed. */
  async #reload(isAsked: boolean): Promise<RigChanges | undefined> {
    const made = this.#reloading.catch(() => {}).then(() => this.#apply(isAsked))
    this.#reloading = made
    return await made
  }

  async #apply(isAsked: boolean): Promise<RigChanges | undefined> {
    const { output, signal } = this.#context
    if (signal.aborted) return undefined
    const version = await this.#file.version()
    if (version === this.#version && !isAsked) return undefined
    this.#version = version
    try {
      const changes = await this.#rig.reload()
      const { online, offline, started, stopped, kept } = changes
      await this.#printIdentities(online)
      await this.#printServices(started)
      await output.event({ event: 'reloaded', ...changes })
      const list = (what: string, all: readonly string[]) => (all.length === 0 ? '' : `, ${what} ${all.join(', ')}`)
      const lists = [
        list('online', online),
        list('offline', offline),
        list('started', started),
        list('stopped', stopped)
      ]
      output.hint(`applied ${this.#file.path}${lists.join('')}, ${kept} services unchanged`)
      return changes
    } catch (error) {
      const failure = this.#file.failure(error)
      const { code, message, details } = failureOf(failure)
      await output.event({ event: 'reload-failed', code, message, ...details })
      output.hint(`nothing was changed: ${message}`)
      throw failure
    }
  }
}
