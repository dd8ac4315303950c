import { resolve } from 'node:path'
import { isName } from '../../account/names.js'
import { PublicKey } from '../../keys/public-key.js'
import { nearest } from '../../util/nearest.js'
import { RigConfigError } from '../config-error.js'
import { millisecondsOf } from './time.js'

/** Longest text of a value. */
const maxText = 4096

/** Context of a configuration. */
export interface SettingsContext {
  /** Paths are relative to this folder. */
  readonly folder: string
  /** Whether `allow` may contain names of an account, whose policy then admits peers. */
  readonly hasNames: boolean
}

/** Users of a service. */
export interface ServiceAccess {
  /** ID52s that the service itself admits, or everyone. */
  readonly allow: readonly string[] | 'public'
  /** ID52s and names from the configuration, or everyone. */
  readonly who: readonly string[] | 'public'
}

/** A table of a configuration. Each value is checked when it is read. */
export class Settings {
  readonly #table: Readonly<Record<string, unknown>>
  readonly #path: readonly string[]
  readonly #context: SettingsContext

  /** @throws {RigConfigError} if the value at the path is not a table. */
  constructor(value: unknown, path: readonly string[], context: SettingsContext) {
    this.#path = path
    this.#context = context
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) {
      throw new RigConfigError(path, `'${path.join('.')}' must be a table: [${path.join('.')}]`)
    }
    this.#table = value as Readonly<Record<string, unknown>>
  }

  /** Rejects keys that are not known. */
  expect(known: readonly string[]): void {
    for (const key of Object.keys(this.#table)) {
      if (known.includes(key)) continue
      const close = nearest(key, known)
      const advice = close === undefined ? `The keys are ${known.join(', ')}` : `Did you mean '${close}'?`
      throw this.error(key, `unknown key '${key.slice(0, 64)}'${this.#where()}. ${advice}`)
    }
  }

  /** Keys of the table. */
  get keys(): readonly string[] {
    return Object.keys(this.#table)
  }

  /** A nested table. */
  table(key: string): Settings {
    return new Settings(this.#table[key] ?? {}, [...this.#path, key], this.#context)
  }

  /** The same table with other values. */
  with(values: Readonly<Record<string, unknown>>): Settings {
    return new Settings({ ...this.#table, ...values }, this.#path, this.#context)
  }

  /** An error for a value. */
  error(key: string, problem: string): Error {
    return new RigConfigError([...this.#path, key], problem)
  }

  /** The raw value, to compare two versions of the table. */
  toJSON(): unknown {
    return this.#table
  }

  text(key: string): string | undefined {
    const value = this.#table[key]
    if (value === undefined) return undefined
    if (typeof value === 'string' && value !== '' && value.length <= maxText && !/\p{Cc}/u.test(value)) return value
    throw this.#wrong(key, value === '' ? 'is empty' : 'must be a text')
  }

  requiredText(key: string): string {
    return this.text(key) ?? this.#missing(key)
  }

  choice(key: string, choices: readonly string[]): string | undefined {
    const value = this.text(key)
    if (value === undefined || choices.includes(value)) return value
    const close = nearest(value, choices)
    const advice = close === undefined ? '' : `. Did you mean '${close}'?`
    throw this.#wrong(key, `must be one of ${choices.join(', ')}, not '${value.slice(0, 64)}'${advice}`)
  }

  /** `true` or `false`. */
  flag(key: string, otherwise: boolean): boolean {
    const value = this.#table[key] ?? otherwise
    if (typeof value === 'boolean') return value
    throw this.#wrong(key, 'must be true or false')
  }

  port(key: string): number | undefined {
    const value = this.#table[key]
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535) return value
    throw this.#wrong(key, 'must be a port from 0 to 65535')
  }

  /** A whole number, 0 or more. */
  count(key: string): number | undefined {
    const value = this.#table[key]
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw this.#wrong(key, 'must be a whole number')
  }

  /** A time such as `'10s'`, in milliseconds. */
  time(key: string): number | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const milliseconds = millisecondsOf(text)
    if (milliseconds !== undefined) return milliseconds
    throw this.#wrong(key, `must be a time such as 500ms, 10s or 2m, not '${text.slice(0, 64)}'`)
  }

  texts(key: string): readonly string[] {
    const value = this.#table[key] ?? []
    if (Array.isArray(value) && value.every(each => typeof each === 'string' && each !== '')) return value
    throw this.#wrong(key, 'must be a list of texts')
  }

  /** A path, which is relative to the folder of the file. */
  path(key: string): string | undefined {
    const path = this.text(key)
    return path === undefined ? undefined : resolve(this.#context.folder, path)
  }

  /** A port of 127.0.0.1, `host:port`, or if `hasUnix` `unix:` and a path. */
  target(key: string, hasUnix: boolean): string {
    const value = typeof this.#table[key] === 'number' ? this.port(key) : this.requiredText(key)
    const text = String(value)
    const address = /^\d+$/.test(text) ? `127.0.0.1:${text}` : text
    const [, port] = /^(?:[^:/\s]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(address) ?? []
    if (Number(port) <= 65_535) return address
    if (hasUnix && text.startsWith('unix:')) return `unix:${resolve(this.#context.folder, text.slice(5))}`
    throw this.#wrong(key, `must be a port, 'host:port'${hasUnix ? " or 'unix:' and a path" : ''}`)
  }

  /** A web server: a target, or a URL without a path. */
  webTarget(key: string): string {
    const text = this.#table[key]
    if (typeof text !== 'string' || !/^https?:/.test(text)) return this.target(key, true)
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.href === `${url?.origin}/`) return url.origin
    throw this.#wrong(key, 'must be a URL without a path, such as https://localhost:8443')
  }

  /** A peer to dial: an ID52, another form of a key, a ticket, or a name of the account. */
  peer(key: string): string {
    const text = this.requiredText(key)
    if (text.length > 64 && text.startsWith('endpoint')) return text
    return this.#context.hasNames && isName(text) ? text : this.#id52(key, text)
  }

  /** Peers that may use a service: the key `allow`, or `public = true`. */
  access(): ServiceAccess {
    const { hasNames } = this.#context
    const who = this.texts('allow').map(text => (hasNames && isName(text) ? text : this.#id52('allow', text)))
    if (!this.flag('public', false)) {
      if (who.length > 0) return { allow: hasNames ? 'public' : who, who }
      throw this.error('kind', `who may use it${this.#where()}? Name peers with 'allow', or write 'public = true'`)
    }
    if (who.length > 0) throw this.#wrong('public', "and 'allow' exclude each other")
    return { allow: 'public', who: 'public' }
  }

  #id52(key: string, text: string): string {
    try {
      return PublicKey.from(text).id52
    } catch {
      throw this.#wrong(key, `must have an ID52 in place of '${text.slice(0, 64)}'`)
    }
  }

  #missing(key: string): never {
    throw this.error('kind', `'${key}' is missing${this.#where()}`)
  }

  #wrong(key: string, problem: string): Error {
    return this.error(key, `'${key}'${this.#where()} ${problem}`)
  }

  #where(): string {
    return this.#path.length === 0 ? '' : ` in [${this.#path.join('.')}]`
  }
}
