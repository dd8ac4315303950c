import { FastnNetError } from '../errors.js'

// The checks of `node:util/types`, without the cost of importing it.
const typedArrayName = getter(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
const bufferLength = getter(ArrayBuffer.prototype, 'byteLength')

/** Whether `value` is a `Uint8Array` (`Buffer` included) of any realm. */
export function isBytes(value: unknown): value is Uint8Array {
  return typedArrayName.call(value) === 'Uint8Array'
}

/** Whether the bytes are in a `SharedArrayBuffer`, which other threads may write to. */
export function isShared(bytes: Uint8Array): boolean {
  try {
    bufferLength.call(bytes.buffer)
    return false
  } catch {
    return true
  }
}

/** Whether the memory was transferred to another owner. The bytes look empty then. */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false
  try {
    // `ArrayBuffer.prototype.detached` came with Node.js 22.
    new Uint8Array(bytes.buffer)
    return false
  } catch {
    return true
  }
}

function getter(prototype: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as () => unknown
}

/** Returns `value` if it is a `Uint8Array` that is not detached, else throws `ERR_INVALID_ARGUMENT`. */
export function checkBytes(name: string, value: unknown): Uint8Array {
  if (isBytes(value)) {
    // An empty message would be signed in its place.
    if (isDetached(value)) throw new FastnNetError('ERR_INVALID_ARGUMENT', `${name} must not be detached`)
    return value
  }
  throw new FastnNetError('ERR_INVALID_ARGUMENT', `${name} must be a Uint8Array: encode text with new TextEncoder()`)
}

/** Encodes bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
