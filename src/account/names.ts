import { printable } from '../util/display.js'
import { invalid } from '../util/validate.js'

/** Names of aliases, groups and devices. Domains are valid names. */
const namePattern = /^[\p{L}\p{N}](?:[\p{L}\p{N}._-]{0,62}[\p{L}\p{N}])?$/u

/** Reserved words of rules. */
const reserved: ReadonlySet<string> = new Set(['everyone', 'devices'])

// A public key: an ID52 or z-base-32 has 52 characters, hex 64.
const keyLike = /^(?:[\da-z]{52}|[\da-f]{64})$/i

/** Whether a text is a name, and not an ID52. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && namePattern.test(text) && !keyLike.test(text) && !reserved.has(text)
}

/**
 * Checks a name.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function checkName(name: unknown, path: string): string {
  if (isName(name)) return name
  if (typeof name === 'string' && reserved.has(name))
    throw invalid(path, `another name than '${name}', which rules use`)
  const given = typeof name === 'string' ? `, not '${printable(name)}'` : ''
  throw invalid(path, `1 to 64 letters and digits, with '.', '_' and '-' between them${given}`)
}

/** A free name: `name`, `name-2`, `name-3`, … */
export function freeName(name: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(name)) return name
  for (let count = 2; ; count++) {
    const suffix = `-${count}`
    const candidate = `${name.slice(0, 64 - suffix.length)}${suffix}`
    if (!isTaken(candidate)) return candidate
  }
}
