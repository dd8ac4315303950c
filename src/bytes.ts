import { FastnNetError } from './errors.js'

/** Whether it is a `Uint8Array` (a `Buffer` included), of this realm or another. */
export function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]'
}

/** The value, which must be a `Uint8Array`: `ERR_INVALID_ARGUMENT` names it if it is not. */
export function needBytes(name: string, value: unknown): Uint8Array {
  if (isBytes(value)) return value
  throw new FastnNetError('ERR_INVALID_ARGUMENT', `${name} must be a Uint8Array: encode text with new TextEncoder()`)
}

/** Two lower-case hex digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
