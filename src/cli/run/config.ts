import { randomBytes } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { nearest } from '../../util/nearest.js'
import { CliError } from '../failure.js'
import { readLimited } from '../read-limited.js'
import { type ServicePlan, serviceKinds } from './kinds.js'
import type { StartService } from './service.js'
import { Settings } from './settings.js'
import { configError, Source } from './source.js'

/** Longest file. */
const maxBytes = 1_048_576
/** Most services of a file. */
const maxServices = 256

/** A service of a file. */
export interface PlannedService extends ServicePlan {
  readonly name: string
  readonly kind: string
  /** The same for the same settings. */
  readonly fingerprint: string
  /** Starts it on a free port or under a random name: what can be wrong with it, while another service has its port or name? */
  readonly probe: StartService
  /** Starts it on another port. Of a bridge or proxy only. */
  readonly startOn?: (port: number) => StartService
}

/** A checked file of services. */
export interface Config {
  /** Path of the secret key. */
  readonly key: string | undefined
  readonly network: string | undefined
  readonly relays: readonly string[]
  /** Also speak malai's protocol. */
  readonly malai: boolean
  readonly services: ReadonlyMap<string, PlannedService>
  /** Peers that may connect: those of all services. `null`: everyone. */
  readonly allow: readonly string[] | null
  /** Whether a service is exposed. */
  readonly exposes: boolean
}

/** Reads the text of a file of services. */
export async function readConfig(file: string): Promise<string> {
  try {
    const bytes = await readLimited(file, maxBytes)
    if (bytes === 'no file') throw new CliError('ERR_CONFIG', `'${file}' is no file`, { file })
    if (bytes === 'too long') throw configError(file, undefined, `the file is longer than ${maxBytes} bytes`)
    return bytes.toString('utf8')
  } catch (error) {
    if (error instanceof CliError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new CliError('ERR_CONFIG', `cannot read the file '${file}': ${code}`, { file, systemCode: code })
  }
}

/** Checks a file of services. `text`: what is in it. */
export function parseConfig(file: string, text: string): Config {
  const source = new Source(file, text)
  const root = new Settings(tomlOf(file, text), [], source, dirname(resolve(file)))
  root.expect(['key', 'network', 'relays', 'malai', 'services'])
  const tables = root.table('services')
  const names = tables.keys
  if (names.length === 0) throw configError(file, undefined, 'there is no service: add a table such as [services.web]')
  if (names.length > maxServices) throw configError(file, undefined, `there are more than ${maxServices} services`)
  const services = new Map(names.map(name => [name, planOf(name, tables.table(name))]))
  checkUnique(services, tables)
  return {
    key: root.path('key'),
    network: root.choice('network', ['internet', 'lan', 'loopback']),
    relays: relaysOf(root),
    malai: root.flag('malai', false),
    services,
    allow: allowOf(services.values()),
    exposes: [...services.values()].some(({ allow }) => allow !== undefined)
  }
}

function tomlOf(file: string, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [problem = ''] = error.message.split('\n')
    throw configError(file, error.line, problem.replace(/^Invalid TOML document: /, 'this is no TOML: '))
  }
}

function planOf(name: string, settings: Settings): PlannedService {
  if (!/^[\w.-]{1,64}$/.test(name))
    throw settings.error('kind', `the name '${name.slice(0, 64)}' has more than letters, digits, '.', '_' and '-'`)
  const kinds = serviceKinds.map(kind => kind.name)
  const wanted = settings.keys.includes('kind') ? undefined : nearest('kind', settings.keys)
  if (wanted !== undefined) settings.expect(['kind', ...settings.keys.filter(key => key !== wanted)])
  settings.requiredText('kind')
  const kind = serviceKinds.find(each => each.name === settings.choice('kind', kinds))
  if (kind === undefined) throw settings.error('kind', `'kind' must be one of ${kinds.join(', ')}`)
  settings.expect(['kind', ...kind.keys])
  const plan = kind.plan(settings)
  const hasPort = kind.keys.includes('port')
  const startOn = (port: number) => kind.plan(settings.with({ port, unix: undefined })).start
  const probe = hasPort
    ? startOn(0)
    : kind.plan(settings.with({ service: `probe-${randomBytes(16).toString('hex')}` })).start
  return { name, kind: kind.name, fingerprint: JSON.stringify(settings), probe, ...(hasPort && { startOn }), ...plan }
}

function checkUnique(services: ReadonlyMap<string, PlannedService>, tables: Settings): void {
  const seen = new Map<string, string>()
  for (const { name, unique } of services.values()) {
    const other = unique === undefined ? undefined : seen.get(unique)
    if (other !== undefined) throw tables.error(name, `'${name}' and '${other}' are both ${unique}`)
    if (unique !== undefined) seen.set(unique, name)
  }
}

function relaysOf(root: Settings): readonly string[] {
  const relays = root.texts('relays')
  for (const relay of relays) {
    const url = URL.canParse(relay) ? new URL(relay) : undefined
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      throw root.error(
        'relays',
        `'relays' must have URLs such as https://relay.example.com, not '${relay.slice(0, 200)}'`
      )
    }
  }
  const network = root.text('network')
  if (relays.length > 0 && network !== undefined && network !== 'internet') {
    throw root.error('relays', `'relays' work on the internet only, not on the network ${network}`)
  }
  return relays
}

function allowOf(services: Iterable<PlannedService>): readonly string[] | null {
  const all = new Set<string>()
  for (const { allow } of services) {
    if (allow === 'public') return null
    for (const id52 of allow ?? []) all.add(id52)
  }
  return [...all]
}
