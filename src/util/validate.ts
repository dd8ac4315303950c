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
