import { once } from 'node:events'
import type { Endpoint, EndpointOptions, Network } from '../../index.js'
import { type Changes, type Running, Supervisor } from '../../rig/services/index.js'
import { announce, qrOption } from '../announce.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { networkOf, withEndpoint } from '../endpoint.js'
import { CliError, failureOf } from '../failure.js'
import { onHangup } from '../interrupt.js'
import { findKey } from '../keys.js'
import { findMalaiKey } from '../malai-key.js'
import { applied, type Config, parseConfig, readConfig } from '../run/config.js'
import { FileWatch } from '../run/file-watch.js'
import { published, whilePublished } from '../status/publish.js'
import type { NamedService } from '../status/snapshot.js'

/** Runs the services of a file. */
export const run: Command = {
  name: 'run',
  summary: 'Run the services of a TOML file, and apply changes to it.',
  description:
    'Prints the ticket if a service is exposed, then the name, kind and address of each service. Validates the file, then\n' +
    'starts all services or none. Applies changes when the file is saved, and on SIGHUP. Unchanged services are not\n' +
    'restarted; connections of changed ones continue until they end. An invalid file changes nothing. Runs until Ctrl-C.',
  arguments: [{ name: 'FILE', help: 'Default: fastn-net.toml.', optional: true }],
  options: { check: { help: 'Only check the file.' }, ...qrOption },
  examples: [
    ['fastn-net run', 'Run the services of fastn-net.toml.'],
    ['fastn-net run --check /etc/fastn-net.toml', 'Validate a file.'],
    ['kill -HUP PID', 'Reload the file.']
  ],
  async run(context) {
    const { args, output, signal } = context
    const file = args.positionals[0] ?? 'fastn-net.toml'
    const text = await readConfig(file)
    const config = parseConfig(file, text)
    const secretKey = (await findKey(config.key, signal)) ?? (config.malai ? await findMalaiKey(signal) : null)
    if (args.has('check')) {
      const { size } = config.services
      const line = `${file}: ${size} ${size === 1 ? 'service' : 'services'}`
      await output.result(line, { event: 'checked', file, services: [...config.services.keys()] })
      return undefined
    }
    if (secretKey === null) output.hint('No key is stored: the ID52 changes at each start. See fastn-net keygen --help')
    const options = { ...endpointOptionsOf(config), ...(secretKey !== null && { key: secretKey }) }
    await withEndpoint(context, endpoint => new Runner(context, endpoint, file).run(text, config), options)
    return undefined
  }
}

function endpointOptionsOf({ network, relays, malai, allow }: Config): EndpointOptions {
  const found: Network | undefined = networkOf(network, relays)
  return { ...(found !== undefined && { network: found }), ...(allow !== null && { allow }), kulfi: malai }
}

/** Runs the services of a file until the command ends. */
class Runner {
  readonly #context: Context
  readonly #endpoint: Endpoint
  readonly #file: string
  readonly #supervisor: Supervisor
  /** The last applied text. */
  #text = ''
  #config: Config | undefined
  #reloading: Promise<void> = Promise.resolve()

  constructor(context: Context, endpoint: Endpoint, file: string) {
    this.#context = context
    this.#endpoint = endpoint
    this.#file = file
    this.#supervisor = new Supervisor(() => ({ endpoint }), context.signal)
  }

  async run(text: string, config: Config): Promise<void> {
    const { started } = await this.#applied(config)
    this.#text = text
    this.#config = config
    onHangup(() => this.#reload(true))
    await this.#announce(config)
    for (const each of started) await this.#print(each)
    const services = () => this.#services()
    await whilePublished(this.#context, published(this.#endpoint, services), () => this.#untilEnd())
  }

  /** Reloads the file until the command ends. */
  async #untilEnd(): Promise<void> {
    const { signal } = this.#context
    const watch = new FileWatch(this.#file, () => this.#reload(false))
    try {
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      watch.close()
    }
    await this.#reloading
    await this.#supervisor.closed()
  }

  #services(): NamedService[] {
    const { running, draining } = this.#supervisor
    return [
      ...running.map(({ plan: { name, kind }, service }) => ({ name, kind, service })),
      ...draining.map(({ plan: { name, kind }, service }) => ({ name: `${name} (old)`, kind, service }))
    ]
  }

  async #announce({ exposes }: Config): Promise<void> {
    const { output } = this.#context
    const { id52 } = this.#endpoint
    if (exposes) await announce(this.#context, this.#endpoint, { hint: 'Peers reach the services with this ticket.' })
    else await output.event({ event: 'ready', id52 })
  }

  async #print({ plan: { name, kind }, service: { address, port } }: Running): Promise<void> {
    const event = { event: 'service', name, kind, state: 'running', address, port }
    await this.#context.output.result(`${name} ${kind} ${address}`, event)
  }

  async #applied({ services, allow }: Config): Promise<Changes> {
    return await this.#supervisor
      .apply(services, () => void this.#endpoint.access.set({ allow }))
      .catch((error: unknown) => {
        throw applied(this.#file, error)
      })
  }

  /** Reloads the file, after a reload in progress. `isAsked`: even if it has not changed. */
  #reload(isAsked: boolean): void {
    this.#reloading = this.#reloading.then(() => this.#apply(isAsked))
  }

  async #apply(isAsked: boolean): Promise<void> {
    const { output, signal } = this.#context
    if (signal.aborted) return
    try {
      const text = await readConfig(this.#file)
      if (text === this.#text && !isAsked) return
      this.#text = text
      const config = parseConfig(this.#file, text)
      if (this.#config !== undefined) checkSameEndpoint(this.#file, this.#config, config)
      const { started, stopped, kept } = await this.#applied(config)
      this.#config = config
      for (const each of started) await this.#print(each)
      const names = started.map(({ plan }) => plan.name)
      await output.event({ event: 'reloaded', started: names, stopped, kept })
      const list = (what: string, all: readonly string[]) => (all.length === 0 ? '' : `, ${what} ${all.join(', ')}`)
      output.hint(`applied ${this.#file}${list('started', names)}${list('stopped', stopped)}, ${kept} unchanged`)
    } catch (error) {
      // Saving it again retries, because a port may be free by then.
      this.#text = ''
      const { code, message, details } = failureOf(error)
      await output.event({ event: 'reload-failed', code, message, ...details })
      output.hint(`nothing was changed: ${message}`)
    }
  }
}

/** Settings of the endpoint need a restart. */
function checkSameEndpoint(file: string, old: Config, now: Config): void {
  for (const key of ['key', 'network', 'relays', 'malai'] as const) {
    if (JSON.stringify(old[key]) === JSON.stringify(now[key])) continue
    throw new CliError('ERR_CONFIG', `${file}: a change of '${key}' needs a restart`, { file })
  }
}
