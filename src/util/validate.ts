import { FastnNetError } from '../errors.js'
import { printable } from './display.js'
import { nearest } from './nearest.js'

/** Creates `ERR_INVALID_ARGUMENT`. `path` names the argument as the caller wrote it. */
export function invalid(path: string, expected: string): FastnNetError {
  return new FastnNetError('ERR_INVALID_ARGUMENT', `${printable(path)} must be ${expected}`)
}

/** Names the kind of a value, for a message: `'null'`, `'a string'`, `'an array'`, `'an instance of Map'`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  if (isPlain(value)) return 'an object'
  const name: unknown = Object.getPrototypeOf(value).constructor?.name
  if (typeof name !== 'string' || name === 'Object') return 'an object that inherits'
  return `an instance of ${name === '' ? 'a class' : printable(name)}`
}

/** Whether the prototype of `value` is `null` or the `Object.prototype` of any realm. */
export function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || isRoot(prototype)
}

function isRoot(prototype: object): boolean {
  return Object.hasOwn(prototype, 'isPrototypeOf') && Object.getPrototypeOf(prototype) === null
}

/** Checks a positive integer: bytes or a count. */
export function positive(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0x7fffffff) return value
  throw invalid(path, 'an integer from 1 to 2,147,483,647')
}

/**
 * Checks a timeout in milliseconds. Fractions are rounded up, 0 means immediately. `Infinity`, and anything from 2^31 (24 days)
 * on, which no timer can hold, mean none.
 */
export function timeLimit(value: unknown, path: string): number {
  if (typeof value !== 'number' || !(value >= 0)) throw invalid(path, 'a number of milliseconds, 0 or more')
  return value > 0x7fffffff ? Number.POSITIVE_INFINITY : Math.ceil(value)
}

/** Like {@link timeLimit}, but rejects 0. */
export function delay(value: unknown, path: string): number {
  if (value === 0) throw invalid(path, 'a number of milliseconds above 0')
  return timeLimit(value, path)
}

/** Checks a non-negative integer. */
export function count(value: unknown, path: string): number {
  return value === 0 ? value : positive(value, path)
}

/** Checks a text. */
export function text(value: unknown, path: string): string {
  if (typeof value === 'string') return value
  throw invalid(path, 'a string')
}

/** Checks that a value is one of the listed words. */
export function oneOf<const T extends string>(words: readonly T[], value: unknown, path: string): T {
  if (words.includes(value as T)) return value as T
  throw invalid(path, `one of ${words.map(word => `'${word}'`).join(', ')}`)
}

interface Primitives {
  boolean: boolean
  string: string
}

/** Checks a value's type; passes `undefined` through. */
export function optional<T extends keyof Primitives>(type: T, value: unknown, path: string): Primitives[T] | undefined {
  if (value === undefined || typeof value === type) return value as Primitives[T] | undefined
  throw invalid(path, `a ${type}`)
}

/** Checks an array of strings. `undefined` becomes an empty array. */
export function stringArray(value: unknown, path: string): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(path, 'an array of strings')
  return Array.from(value, (text, index) => {
    if (typeof text !== 'string') throw invalid(`${path}[${index}]`, 'a string')
    return text
  })
}

/** Checks that a value is an object, of any class. */
export function checkObject<T extends object>(value: T | null, path: string, expected: string): T {
  if (typeof value === 'object' && value !== null) return value
  throw invalid(path, expected)
}

/**
 * Rejects misspelt names in a plain object that may have fields of its own. Accepts every instance of a class.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for a name that is close to a known one which `value` lacks.
 */
export function checkSpelling(value: object, known: readonly string[], path: string): void {
  if (!isPlain(value)) return
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    if (meant === undefined || Object.hasOwn(value, meant)) continue
    const message = `unknown field '${printable(name)}' in ${printable(path)}: did you mean '${meant}'?`
    throw new FastnNetError('ERR_INVALID_ARGUMENT', message)
  }
}

/** Throws the signal's reason if the signal is already aborted. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  checkSignal(signal)?.throwIfAborted()
}

/** Checks an optional `AbortSignal`, of any realm, and returns it. */
export function checkSignal(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined
  if (typeof signal?.throwIfAborted === 'function' && typeof signal.addEventListener === 'function') return signal
  throw invalid('options.signal', 'an AbortSignal')
}

/** Options that the core obeys, by name, with their checks. It has their defaults. */
export type Checks = Readonly<Record<string, (value: unknown, path: string) => number | string | boolean>>

/** Names of a table of checks, for {@link OptionNames}. */
export function namesOf<Name extends string>(checks: Record<Name, unknown>): Record<Name, true> {
  return Object.fromEntries(Object.keys(checks).map(name => [name, true])) as Record<Name, true>
}

/** Values of the given options of a table, as they cross to the core. */
export function valuesOf(options: object, checks: Checks, path = 'options'): Record<string, number | string | boolean> {
  const values: Record<string, number | string | boolean> = {}
  for (const [name, check] of Object.entries(checks)) {
    const value: unknown = options[name as never]
    if (value !== undefined) values[name] = check(value, `${path}.${name}`)
  }
  return values
}

/** Names of an options type. A value that lacks a name, or has another one, does not compile. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true }

/**
 * Checks that `options` is a plain object with known own enumerable names only, and returns it. An unknown name is an error even if
 * its value is `undefined`: a misspelt `allow` must not open the endpoint to everyone.
 *
 * Rejects arrays, class instances and objects with inherited properties, because reading them finds more than the check sees. Ignores
 * symbols, and unknown names on `Object.prototype`.
 *
 * Allocates nothing unless it throws.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, with the nearest known option.
 */
export function checkOptions<Options extends object>(
  options: Options | null,
  names: OptionNames<Options>,
  path = 'options',
  expected = 'a plain object'
): Options {
  if (typeof options !== 'object' || options === null || !isPlain(options)) throw notOptions(path, expected, options)
  const known: Readonly<Record<string, true | undefined>> = names
  for (const name in options) {
    if (known[name] === true && Object.hasOwn(options, name)) continue
    if (known[name] === true) throw polluted(name)
    if (Object.hasOwn(options, name)) throw unknown(name, names, path)
  }
  return options
}

function notOptions(path: string, expected: string, given: unknown): FastnNetError {
  const advice = given instanceof AbortSignal ? ': write { signal }' : ''
  return invalid(path, `${expected}, not ${kindOf(given)}${advice}`)
}

function polluted(name: string): FastnNetError {
  const message = `option '${name}' is on Object.prototype, where every call would read it: delete it there`
  return new FastnNetError('ERR_INVALID_ARGUMENT', message)
}

function unknown(name: string, names: object, path: string): FastnNetError {
  const where = path === 'options' ? '' : ` in ${path}`
  return new FastnNetError(
    'ERR_INVALID_ARGUMENT',
    `unknown option '${printable(name)}'${where}: ${advice(name, names)}`
  )
}

function advice(name: string, names: object): string {
  const known = Object.keys(names).sort()
  const meant = nearest(name, known)
  if (meant !== undefined) return `did you mean '${meant}'?`
  const list = known.map(each => `'${each}'`).join(', ')
  return known.length === 1 ? `the only option is ${list}` : `options are ${list}`
}
