import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { isBytes, needBytes, toHex } from '../util/bytes.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'

/**
 * A peer's name: an Ed25519 public key of 32 bytes, shown as its ID52. Immutable.
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
   * Takes an ID52 (in any case), 64 hex digits (in any case), z-base-32 of 52 characters, or the 32 bytes themselves,
   * which are copied. A public key is given back as it is.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`, saying what was found, when it is no public key.
   */
  static from(key: string | Uint8Array | PublicKey): PublicKey {
    if (key instanceof PublicKey) return key
    if (typeof key === 'string') {
      const bytes = native().publicKeyParse(key)
      if (bytes === null) throw lastFailure({})
      return new PublicKey(internal, bytes)
    }
    if (!isBytes(key)) throw notAKey(`${typeof key} was given`)
    const bytes = new Uint8Array(key)
    if (bytes.length !== 32) throw notAKey(`${bytes.length} bytes were given, 32 are needed`)
    if (!native().publicKeyCheck(bytes)) throw notAKey('these 32 bytes are not a point of the curve')
    return new PublicKey(internal, bytes)
  }

  /** 52 characters of base32hex, in lower case: how peers are named to people. */
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
   * Whether `signature` is this key's signature of `bytes`. A signature that is not 64 bytes long is nobody's: `false`.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` when one of them is not a `Uint8Array`.
   */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean {
    return native().publicKeyVerify(this.#bytes, needBytes('bytes', bytes), needBytes('signature', signature))
  }

  /** Whether `other` is a public key of the same bytes. */
  equals(other: unknown): boolean {
    return other instanceof PublicKey && other.id52 === this.id52
  }

  /** The ID52. */
  toString(): string {
    return this.id52
  }

  /** The ID52. */
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
