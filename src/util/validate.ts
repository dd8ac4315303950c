import { FastnNetError } from '../errors.js'

/** The error for an argument that is of no use; `path` names the field as the caller wrote it. */
export function invalid(path: string, expected: string): FastnNetError {
  return new FastnNetError('ERR_INVALID_ARGUMENT', `${path} must be ${expected}`)
}

/** A whole number above zero: bytes or a count. */
export function positive(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0x7fffffff) return value
  throw invalid(path, 'a whole number from 1 to 2,147,483,647')
}

/**
 * A time limit in milliseconds. A fraction is rounded up, 0 is at once, `Infinity` is none; so is what no timer can hold, from 2^31
 * (24 days) on.
 */
export function timeLimit(value: unknown, path: string): number {
  if (typeof value !== 'number' || !(value >= 0)) throw invalid(path, 'a number of milliseconds, 0 or more')
  return value > 0x7fffffff ? Number.POSITIVE_INFINITY : Math.ceil(value)
}

/** As {@link timeLimit}, but more than 0: a pause of nothing is none. */
export function delay(value: unknown, path: string): number {
  if (value === 0) throw invalid(path, 'a number of milliseconds above 0')
  return timeLimit(value, path)
}

/** A whole number, zero included. */
export function count(value: unknown, path: string): number {
  return value === 0 ? value : positive(value, path)
}

/** One of the listed words. */
export function oneOf<const T extends string>(words: readonly T[], value: unknown, path: string): T {
  if (words.includes(value as T)) return value as T
  throw invalid(path, `one of ${words.map(word => `'${word}'`).join(', ')}`)
}

interface Primitives {
  boolean: boolean
  string: string
}

/** `undefined`, or a value of that type. */
export function optional<T extends keyof Primitives>(type: T, value: unknown, path: string): Primitives[T] | undefined {
  if (value === undefined || typeof value === type) return value as Primitives[T] | undefined
  throw invalid(path, `a ${type}`)
}

/** A list of texts; absent is empty. */
export function texts(value: unknown, path: string): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(path, 'an array of strings')
  return value.map((text, at) => {
    if (typeof text !== 'string') throw invalid(`${path}[${at}]`, 'a string')
    return text
  })
}

/** A plain object, or a class's. */
export function object<T extends object>(value: T | null, path: string, expected: string): T {
  if (typeof value === 'object' && value !== null) return value
  throw invalid(path, expected)
}

/** Throws the signal's reason if it is aborted already. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal === undefined) return
  if (typeof signal?.throwIfAborted !== 'function') throw invalid('options.signal', 'an AbortSignal')
  signal.throwIfAborted()
}

/** Every name of an options type: a value of this type that misses a name, or has another one, does not compile. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true }

/**
 * Returns `options`, checked to be an object whose own enumerable names are all known. An unknown name is an error even where its
 * value is `undefined`: a misspelt `allow` must not open the endpoint. Inherited names are ignored.
 *
 * Allocates nothing unless it throws.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, naming the nearest known option.
 */
export function checkOptions<Options extends object>(
  options: Options | null,
  names: OptionNames<Options>,
  path = 'options',
  expected = 'an object'
): Options {
  if (typeof options !== 'object' || options === null) throw invalid(path, expected)
  const known: Readonly<Record<string, true | undefined>> = names
  for (const name in options) if (known[name] !== true && Object.hasOwn(options, name)) throw unknown(name, names, path)
  return options
}

function unknown(name: string, names: object, path: string): FastnNetError {
  const where = path === 'options' ? '' : ` in ${path}`
  return new FastnNetError('ERR_INVALID_ARGUMENT', `unknown option '${name}'${where}: ${advice(name, names)}`)
}

function advice(name: string, names: object): string {
  const known = Object.keys(names).sort()
  const [nearest] = known
    .map(candidate => ({ candidate, edits: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
  if (nearest !== undefined && nearest.edits <= Math.min(nearest.candidate.length, name.length) / 2)
    return `did you mean '${nearest.candidate}'?`
  const list = known.map(each => `'${each}'`).join(', ')
  return known.length === 1 ? `the only one is ${list}` : `known are ${list}`
}

/** Levenshtein's distance. Of a longer name the first 64 characters count, so that the work is bounded. */
function distance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 64), b.slice(0, 64)]
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (const [at, character] of [...from].entries()) {
    const next = [at + 1]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] as number) + (character === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] as number) + 1, (next[column - 1] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}

// QUIC's codes have 62 bits.
const mostCode = 2n ** 62n - 1n

/**
 * A code of the user's own for a reset, a stop or a close, checked: a number where that is exact, else a bigint.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function userCode(code: unknown, path: string): number | bigint {
  const own = ownCode(code)
  if (own !== undefined) return own
  throw invalid(path, 'a whole number from 0 on, a bigint above 2^53 - 1; 0x100 to 0x1ff are reserved')
}

/** The reason that a web stream was cancelled or aborted with, as a code: 0 where it is none. */
export function codeOf(reason: unknown): number | bigint {
  return ownCode(reason) ?? 0
}

function ownCode(code: unknown): number | bigint | undefined {
  if (typeof code === 'bigint') {
    if (code > BigInt(Number.MAX_SAFE_INTEGER)) return code <= mostCode ? code : undefined
    return code < 0n ? undefined : ownCode(Number(code))
  }
  if (typeof code !== 'number' || !Number.isSafeInteger(code) || code < 0) return undefined
  return code < 0x100 || code > 0x1ff ? code : undefined
}
