import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { isBytes, needBytes, toHex } from '../util/bytes.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { PublicKey } from './public-key.js'

/**
 * What proves a {@link PublicKey} to be one's own: an Ed25519 secret of 32 bytes. Immutable.
 *
 * It is shown by `toBytes` and `toHex` only; `toString`, `JSON.stringify` and `util.inspect` give the public key.
 *
 * @example
 * const secretKey = SecretKey.generate()
 * console.log(secretKey.id52)
 */
export class SecretKey {
  readonly #bytes: Uint8Array
  readonly #publicKey: PublicKey

  private constructor(key: typeof internal, bytes: Uint8Array) {
    checkConstructor(key, 'SecretKey.generate() or from()')
    const publicBytes = native().secretKeyPublic(bytes)
    if (publicBytes === null) throw lastFailure({})
    this.#bytes = bytes
    this.#publicKey = PublicKey.from(publicBytes)
  }

  /** A new key from the system's randomness. It is stored nowhere: see {@link readOrCreateSecretKey}. */
  static generate(): SecretKey {
    return new SecretKey(internal, native().secretKeyGenerate())
  }

  /**
   * Takes 64 hex digits (in any case) or the 32 bytes, which are copied. A secret key is given back as it is.
   *
   * @throws {FastnNetError} `ERR_SECRET_KEY` when it is no secret key. The message does not repeat what was given.
   */
  static from(key: string | Uint8Array | SecretKey): SecretKey {
    if (key instanceof SecretKey) return key
    if (isBytes(key)) return new SecretKey(internal, new Uint8Array(key))
    if (typeof key !== 'string') {
      throw new FastnNetError(
        'ERR_SECRET_KEY',
        `not a secret key: ${typeof key} was given; give 32 bytes or 64 hex digits`
      )
    }
    const bytes = native().secretKeyParse(key)
    if (bytes === null) throw lastFailure({})
    return new SecretKey(internal, bytes)
  }

  /** The public key that belongs to it. */
  get publicKey(): PublicKey {
    return this.#publicKey
  }

  /** The public key's ID52: what to tell others. */
  get id52(): string {
    return this.#publicKey.id52
  }

  /**
   * The Ed25519 signature of `bytes`, 64 bytes. The same bytes always give the same signature.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` when `bytes` is not a `Uint8Array`.
   */
  sign(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return native().secretKeySign(this.#bytes, needBytes('bytes', bytes))
  }

  /** A copy of the secret's 32 bytes: keep them out of logs, and out of files that others can read. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes)
  }

  /** The secret as 64 lower-case hex digits: keep them out of logs, and out of files that others can read. */
  toHex(): string {
    return toHex(this.#bytes)
  }

  /** `SecretKey(<ID52>)`. */
  toString(): string {
    return `SecretKey(${this.id52})`
  }

  /** `SecretKey(<ID52>)`. */
  toJSON(): string {
    return this.toString()
  }

  static {
    inspectAs(this, String)
  }
}
