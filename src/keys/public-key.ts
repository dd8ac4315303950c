import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { checkBytes, isBytes, toHex } from '../util/bytes.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'

/**
 * Ed25519 public key of a peer. Its string form is the ID52. Immutable.
 *
 * @example
 * PublicKey.from('i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60').toHex()
 */
export class PublicKey {
  readonly #bytes: Uint8Array
  #id52: string | undefined

  private constructor(key: typeof internal, bytes: Uint8Array) {
    checkConstructor(key, 'PublicKey.from()')
    this.#bytes = bytes
  }

  /**
   * Parses an ID52, 64 hex digits (both in any case), z-base-32 (52 characters), or 32 bytes, which are copied. Returns a
   * `PublicKey` unchanged.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` if `key` is not a public key. `ERR_INVALID_ARGUMENT` for detached bytes.
   */
  static from(key: string | Uint8Array | PublicKey): PublicKey {
    if (key instanceof PublicKey) return key
    if (typeof key === 'string') {
      const bytes = native().publicKeyParse(key)
      if (bytes === null) throw lastFailure({})
      return new PublicKey(internal, bytes)
    }
    if (!isBytes(key)) throw notAKey(`got ${typeof key}`)
    const bytes = new Uint8Array(checkBytes('key', key))
    if (bytes.length !== 32) throw notAKey(`got ${bytes.length} bytes instead of 32`)
    if (!native().publicKeyCheck(bytes)) throw notAKey('the 32 bytes are not a point on the curve')
    return new PublicKey(internal, bytes)
  }

  /** ID52: 52 characters of lower-case base32hex. */
  get id52(): string {
    this.#id52 ??= native().publicKeyId52(this.#bytes)
    return this.#id52
  }

  /** The key as 64 lower-case hex digits. */
  toHex(): string {
    return toHex(this.#bytes)
  }

  /** A copy of the key's 32 bytes. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes)
  }

  /**
   * Whether `signature` is this key's signature of `bytes`. `false` if it is not 64 bytes long.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if an argument is not a `Uint8Array`, or is detached.
   *
   * @example
   * PublicKey.from(id52).verify(bytes, signature)
   */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean {
    return native().publicKeyVerify(this.#bytes, checkBytes('bytes', bytes), checkBytes('signature', signature))
  }

  /** Whether `other` is the same public key. */
  equals(other: unknown): boolean {
    return other instanceof PublicKey && other.id52 === this.id52
  }

  /** Returns the ID52. */
  toString(): string {
    return this.id52
  }

  /** Returns the ID52. */
  toJSON(): string {
    return this.id52
  }

  static {
    inspectAs(this, self => `PublicKey(${self.id52})`)
  }
}

function notAKey(found: string): FastnNetError {
  return new FastnNetError(
    'ERR_PEER_ADDRESS',
    `not a public key: ${found}; give an ID52 (52 characters), 64 hex digits or z-base-32`
  )
}
