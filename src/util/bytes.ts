import { FastnNetError } from '../errors.js'

// What `node:util/types` asks, without the time that importing it takes.
const nameOf = getter(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
const lengthOf = getter(ArrayBuffer.prototype, 'byteLength')

/** Whether it is a `Uint8Array` (a `Buffer` included), of this realm or another. */
export function isBytes(value: unknown): value is Uint8Array {
  return nameOf.call(value) === 'Uint8Array'
}

/** Whether other threads may change the bytes meanwhile. */
export function isShared(bytes: Uint8Array): boolean {
  try {
    lengthOf.call(bytes.buffer)
    return false
  } catch {
    return true
  }
}

function getter(of: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(of, name)?.get as () => unknown
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
