import { printable } from './display.js'
import { isThenable } from './thenable.js'
import { unicodePattern } from './unicode.js'
import { isPlain, kindOf } from './validate.js'

/** A value that JSON would drop or turn into another. */
export interface JsonLoss {
  /** Its path, from the root's name on: `input.photos[2]`. */
  readonly path: string
  /** Its kind, and the value to send instead. */
  readonly why: string
}

/** Position of a value: its key in its parent. */
interface Place {
  readonly value: object
  readonly key: string | number
  readonly parent: Place | undefined
}

/**
 * Finds a value that `JSON.stringify` would not keep. An object with `toJSON` is left to it. A property that is `undefined` may be left out,
 * but an array would have `null` in its place. -0 becomes 0, which equals it.
 *
 * Throws what a getter throws. Does not end for a value with a cycle, except with `cycles`: without it, `JSON.stringify` must have taken the
 * value.
 */
export function jsonLossIn(root: unknown, name: string, cycles = false): JsonLoss | undefined {
  if (typeof root === 'string') return undefined
  const why = whyNot(root)
  if (why !== undefined) return { path: name, why }
  if (!hasParts(root)) return undefined
  // No recursion: a value may be deeper than the stack.
  const places: Place[] = [{ value: root, key: name, parent: undefined }]
  const seen = cycles ? new Set<object>([root]) : undefined
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { value } = place
    const keys = Array.isArray(value) ? undefined : Object.keys(value)
    const count = keys === undefined ? (value as unknown[]).length : keys.length
    for (let index = 0; index < count; index++) {
      const key = keys === undefined ? index : (keys[index] as string)
      const part = (value as Record<string | number, unknown>)[key]
      if (typeof part === 'string') continue
      const why = part === undefined && keys === undefined ? inArray : whyNot(part)
      if (why !== undefined) return { path: pathOf({ value, key, parent: place }), why }
      if (!hasParts(part)) continue
      const found = { value: part, key, parent: place }
      if (seen?.has(part) !== true) places.push(found)
      else if (isWithinItself(found))
        return { path: pathOf(found), why: 'is a cycle, an object around it: send data without it' }
      seen?.add(part)
    }
  }
  return undefined
}

/** Why an array has no `undefined`, nor an empty place. */
const inArray = 'is undefined, which an array in JSON cannot hold: send null'

function isWithinItself({ value, parent }: Place): boolean {
  for (let at = parent; at !== undefined; at = at.parent) if (at.value === value) return true
  return false
}

function hasParts(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !hasToJson(value)
}

function hasToJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function'
}

function whyNot(value: unknown): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : `is ${value}: send null or a text instead`
    case 'bigint':
      // A program may have given bigints a toJSON.
      return 'toJSON' in BigInt.prototype ? undefined : 'is a bigint: send text instead'
    case 'function':
    case 'symbol':
      return `is a ${typeof value}: send data instead`
    case 'object':
      return value === null || Array.isArray(value) ? undefined : whyNotObject(value)
    default:
      return undefined
  }
}

function whyNotObject(value: object): string | undefined {
  // A Buffer has toJSON, but its bytes would arrive as a list of numbers.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return `is ${kindOf(value)}: send bytes as base64 text, or on a stream`
  if (hasToJson(value)) return undefined
  if (isPlain(value) && !(Symbol.iterator in value)) return undefined
  if (Symbol.iterator in value)
    return `is ${iterableKind(value)}: send Array.from() of it, or declare items in the schema`
  if (Symbol.asyncIterator in value) return 'is an async iterable: only a whole input or result can be one'
  if (isThenable(value)) return 'is a promise: await it first'
  return `is ${kindOf(value)}: send a plain object, or give its class a toJSON method`
}

function iterableKind(value: object): string {
  return isPlain(value) || 'next' in value ? 'an iterable' : kindOf(value)
}

/** Most characters of a path. */
const maxPathLength = 200
const identifier = unicodePattern(String.raw`^[\p{L}_$][\p{L}\d_$]*$`)

function pathOf(place: Place): string {
  let path = ''
  for (let at: Place | undefined = place; at !== undefined && path.length < maxPathLength; at = at.parent)
    path = `${at.parent === undefined ? at.key : step(at.key)}${path}`
  return path.length > maxPathLength ? `…${path.slice(-maxPathLength)}` : path
}

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return identifier().test(key) ? `.${key}` : `[${printable(JSON.stringify(key))}]`
}
