import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { checkBytes, isBytes, toHex } from '../util/bytes.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { PublicKey } from './public-key.js'

/**
 * Ed25519 secret key: the identity of an endpoint. Immutable.
 *
 * Only `toBytes` and `toHex` reveal the secret. `toString`, `JSON.stringify` and `util.inspect` print the public key.
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

  /** Generates a key. It is not saved: see {@link readOrCreateSecretKey}. */
  static generate(): SecretKey {
    return new SecretKey(internal, native().secretKeyGenerate())
  }

  /**
   * Parses 64 hex digits (in any case) or 32 bytes, which are copied. Returns a `SecretKey` unchanged.
   *
   * @throws {FastnNetError} `ERR_SECRET_KEY` if `key` is not a secret key. The message does not contain it. `ERR_INVALID_ARGUMENT` for
   * detached bytes.
   *
   * @example
   * const secretKey = SecretKey.from(process.env.SECRET_KEY ?? '') // 64 hex digits
   */
  static from(key: string | Uint8Array | SecretKey): SecretKey {
    if (key instanceof SecretKey) return key
    if (isBytes(key)) return new SecretKey(internal, new Uint8Array(checkBytes('key', key)))
    if (typeof key !== 'string') {
      throw new FastnNetError('ERR_SECRET_KEY', `not a secret key: got ${typeof key}; give 32 bytes or 64 hex digits`)
    }
    const bytes = native().secretKeyParse(key)
    if (bytes === null) throw lastFailure({})
    return new SecretKey(internal, bytes)
  }

  /** Public key of this secret key. */
  get publicKey(): PublicKey {
    return this.#publicKey
  }

  /** ID52 of the public key: share it with peers. */
  get id52(): string {
    return this.#publicKey.id52
  }

  /**
   * Signs bytes. Returns an Ed25519 signature of 64 bytes, which is deterministic.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if `bytes` is not a `Uint8Array`, or is detached.
   *
   * @example
   * const signature = secretKey.sign(new TextEncoder().encode('agreed'))
   */
  sign(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return native().secretKeySign(this.#bytes, checkBytes('bytes', bytes))
  }

  /** A copy of the secret's 32 bytes. Keep them out of logs and of files that others can read. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes)
  }

  /** The secret as 64 lower-case hex digits. Keep them out of logs and of files that others can read. */
  toHex(): string {
    return toHex(this.#bytes)
  }

  /** Returns `SecretKey(<ID52>)`. */
  toString(): string {
    return `SecretKey(${this.id52})`
  }

  /** Returns `SecretKey(<ID52>)`. */
  toJSON(): string {
    return this.toString()
  }

  static {
    inspectAs(this, String)
  }
}
