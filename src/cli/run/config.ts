import { dirname, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { isFastnNetError } from '../../index.js'
import { RigConfigError } from '../../rig/index.js'
import { networkSettings, type PlannedService, planServices, Settings } from '../../rig/services/index.js'
import { CliError } from '../failure.js'
import { readLimited } from '../read-limited.js'
import { configError, Source } from './source.js'

/** Maximum size of the file. */
const maxBytes = 1_048_576
/** A checked file of services. */
export interface Config {
  /** Path of the secret key. */
  readonly key: string | undefined
  readonly network: string | undefined
  readonly relays: readonly string[]
  /** Also speak malai's protocol. */
  readonly malai: boolean
  readonly services: ReadonlyMap<string, PlannedService>
  /** Admitted peers of all services. `null`: every peer. */
  readonly allow: readonly string[] | null
  /** Whether a service is exposed. */
  readonly exposes: boolean
}

/** Reads the text of a file of services. */
export async function readConfig(file: string): Promise<string> {
  try {
    const bytes = await readLimited(file, maxBytes)
    if (bytes === 'no file') throw new CliError('ERR_CONFIG', `'${file}' is not a file`, { file })
    if (bytes === 'too long') throw configError(file, undefined, `the file is longer than ${maxBytes} bytes`)
    return bytes.toString('utf8')
  } catch (error) {
    if (error instanceof CliError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new CliError('ERR_CONFIG', `cannot read the file '${file}': ${code}`, { file, systemCode: code })
  }
}

/** Checks the text of a services file. */
export function parseConfig(file: string, text: string): Config {
  return checkedFile(file, text, value => {
    const root = new Settings(value, [], { folder: dirname(resolve(file)), hasNames: false })
    root.expect(['key', 'network', 'relays', 'malai', 'services'])
    const tables = root.table('services')
    if (tables.keys.length === 0)
      throw new RigConfigError([], 'a service is missing: add a table such as [services.web]')
    const services = planServices(tables)
    return {
      key: root.path('key'),
      ...networkSettings(root),
      malai: root.flag('malai', false),
      services,
      allow: allowOf(services.values()),
      exposes: [...services.values()].some(({ who }) => who !== undefined)
    }
  })
}

/** Parses and checks TOML. Errors name the line. */
export function checkedFile<Checked>(file: string, text: string, check: (value: unknown) => Checked): Checked {
  const source = new Source(file, text)
  const value = tomlOf(file, text)
  try {
    return check(value)
  } catch (error) {
    throw error instanceof RigConfigError ? source.error(error.path, error.message) : error
  }
}

/** Converts an error of applying a file. An argument error of the library is an error of the file. */
export function applied(file: string, error: unknown): unknown {
  return isFastnNetError(error, 'ERR_INVALID_ARGUMENT') ? new CliError('ERR_CONFIG', error.message, { file }) : error
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

function allowOf(services: Iterable<PlannedService>): readonly string[] | null {
  const all = new Set<string>()
  for (const { who } of services) {
    if (who === 'public') return null
    for (const id52 of who ?? []) all.add(id52)
  }
  return [...all]
}
