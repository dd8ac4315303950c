import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type RigConfig, RigConfigError } from '../../rig/index.js'
import { CliError } from '../failure.js'
import { applied, checkedFile, readConfig } from '../run/config.js'
import { Source } from '../run/source.js'
import { configOf, stateOf } from './home.js'

/** The files of a rig: its configuration, and the state that commands change. */
export class RigFile {
  /** Path of the configuration. */
  readonly path: string
  readonly #home: string
  /** Whether the configuration must exist. */
  readonly #isNamed: boolean
  #text = ''

  /** `named`: from the command line. Default: the file of the home, which may be missing. */
  constructor(home: string, named: string | undefined) {
    this.#home = home
    this.#isNamed = named !== undefined
    this.path = named ?? configOf(home)
  }

  /** Base of relative paths in the configuration. */
  get folder(): string {
    return dirname(resolve(this.path))
  }

  /** Reads the configuration. */
  readonly read = async (): Promise<RigConfig> => {
    this.#text = ''
    if (!this.#isNamed && !existsSync(this.path)) return {}
    this.#text = await readConfig(this.path)
    return checkedFile(this.path, this.#text, value => value as RigConfig)
  }

  /** Both files as one text, to detect changes. */
  async version(): Promise<string> {
    const texts = [this.path, stateOf(this.#home)].map(path => readFile(path, 'utf8').catch(() => ''))
    return JSON.stringify(await Promise.all(texts))
  }

  /** Adds the line to an error of the configuration. */
  failure(error: unknown): unknown {
    if (error instanceof RigConfigError) return new Source(this.path, this.#text).error(error.path, error.message)
    return error instanceof CliError ? error : applied(this.path, error)
  }
}
