import { resolve } from 'node:path'
import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { abortable } from '../util/timeout.js'
import { checkObject, checkOptions, type OptionNames, optional, throwIfAborted } from '../util/validate.js'
import { type Keyring, openKeyring, readKeyring, writeKeyring } from './keyring.js'
import { PublicKey } from './public-key.js'
import { SecretKey } from './secret-key.js'

/** Where a key is stored. */
export interface KeyStoreOptions {
  /** Folder of the key files. Default: the current folder. */
  folder?: string | undefined
  /**
   * Name of the key. Its files are `{name}.private-key` and `{name}.id52`.
   * The name is a plain file name: not empty, `.` or `..`, without `/`, `\`, `:` or control characters, and without white space
   * around it.
   * Default: none. A program's only key is in `.fastn.secret-key` or `.fastn.id52`.
   */
  name?: string | undefined
  /**
   * Keyring to use. `true` selects the system keyring, which needs the package `@napi-rs/keyring`; `false` uses none.
   * Default: false.
   */
  keyring?: boolean | Keyring | undefined
  /** Environment variables to read. Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Cancels waiting for a keyring, which may prompt the user. The call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Options of {@link loadSecretKey}. */
export interface LoadSecretKeyOptions extends KeyStoreOptions {
  /**
   * Public key whose secret to load. Searches the environment and the keyring, not files. Cannot be combined with `name`.
   * Default: none.
   */
  id52?: string | PublicKey | undefined
}

/** Names of {@link KeyStoreOptions}. */
const storeNames: OptionNames<KeyStoreOptions> = { folder: true, name: true, keyring: true, env: true, signal: true }
/** Names of {@link LoadSecretKeyOptions}. */
const loadNames: OptionNames<LoadSecretKeyOptions> = { ...storeNames, id52: true }

/** A stored secret key. */
export interface StoredSecretKey {
  /** The key. */
  readonly secretKey: SecretKey
  /** Where the key is stored, for display: a path, the name of an environment variable, or the keyring. */
  readonly place: string
  /** Whether this call created the key. */
  readonly created: boolean
}

/**
 * Loads a secret key from the places that the Rust programs use. Resolves with `null` if there is none.
 *
 * | options | places, in this order |
 * |---|---|
 * | none | `FASTN_SECRET_KEY` (hex), the file `.fastn.secret-key` (hex), the file `.fastn.id52` |
 * | `name` | the line `{name}: {hex}` of the environment, the file `{name}.private-key` (hex) or `{name}.id52` |
 * | `id52` | the line of the environment whose prefix starts the ID52, the keyring |
 *
 * The lines of the environment are in `FASTN_SECRET_KEYS`, or in the file named by `FASTN_SECRET_KEYS_FILE`.
 * An `.id52` file means that the secret is in those lines or in the keyring.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE`:
 * - a place holds no key, or another key
 * - two places conflict: both files of one name, or both variables of lines
 * - the key is in a keyring, and `keyring` is not set or the keyring is missing or locked
 * - a key file is not a regular file, is larger than 64 KiB, or is a link to a missing file
 *
 * `ERR_PEER_ADDRESS` if `id52` is not a public key. `ERR_INVALID_ARGUMENT` if `name` is not a plain file name, or a variable in `env`
 * is not a string.
 *
 * @example
 * const secretKey = await loadSecretKey({ name: 'server' })
 */
export async function loadSecretKey(options: LoadSecretKeyOptions = {}): Promise<SecretKey | null> {
  return (await find(options))?.secretKey ?? null
}

/**
 * Saves a secret key in `.fastn.secret-key` or `{name}.private-key`, readable by its owner only (mode 0600). With `keyring`, saves
 * the secret in the keyring and the ID52 in `.fastn.id52` or `{name}.id52`. Resolves with the path of the file.
 *
 * Never overwrites a key. If writing the file fails, the secret stays in the keyring.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` if a key exists or cannot be written. `ERR_SECRET_KEY` if `secretKey` is not a secret key.
 * `ERR_INVALID_ARGUMENT` if `name` is not a plain file name.
 *
 * @example
 * await saveSecretKey(SecretKey.generate(), { name: 'server' })
 */
export async function saveSecretKey(secretKey: SecretKey, options: KeyStoreOptions = {}): Promise<string> {
  const key = SecretKey.from(secretKey)
  checkOptions(options, storeNames)
  const { folder, name, signal } = check(options)
  const keyring = await abortable(openKeyring(options.keyring), signal)
  if (keyring !== null) await abortable(writeKeyring(keyring, key), signal)
  const path =
    keyring === null
      ? native().keyStoreSave(folder, name, key.toBytes())
      : native().keyStoreSavePublic(folder, name, key.publicKey.toBytes())
  if (path === null) throw lastFailure({})
  return path
}

/**
 * Loads a secret key like {@link loadSecretKey}. If there is none, generates one and saves it like {@link saveSecretKey}.
 *
 * An unusable key is an error; it is never replaced. Programs that start at the same time all get the same key.
 *
 * @throws {FastnNetError} The errors of {@link loadSecretKey} and {@link saveSecretKey}.
 *
 * @example
 * const { secretKey, place, created } = await readOrCreateSecretKey()
 * if (created) console.log(`new key ${secretKey.id52} in ${place}`)
 */
export async function readOrCreateSecretKey(options: KeyStoreOptions = {}): Promise<StoredSecretKey> {
  // Rejects `id52`: a new key cannot match a given ID52.
  checkOptions(options, storeNames)
  const { signal } = options
  const found = await find(options)
  if (found !== null) return found
  const secretKey = SecretKey.generate()
  try {
    return { secretKey, place: await saveSecretKey(secretKey, options), created: true }
  } catch (error) {
    signal?.throwIfAborted()
    // Another program may have saved its key in the meantime.
    const stored = await find(options)
    if (stored === null) throw error
    return stored
  }
}

/**
 * Reads the secret key in this file, or creates the file with a new key.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` if the file holds no key or cannot be written, or its folder does not exist.
 */
export function keyOfFile(path: string): SecretKey {
  const secret = native().keyStoreFile(resolve(path), SecretKey.generate().toBytes())
  if (secret === null) throw lastFailure({})
  return SecretKey.from(secret)
}

async function find(options: LoadSecretKeyOptions): Promise<StoredSecretKey | null> {
  const { folder, name, wanted, variable, signal } = check(options)
  const found = native().keyStoreFind(folder, name, wanted?.id52 ?? null, {
    secretKey: variable('FASTN_SECRET_KEY'),
    secretKeys: variable('FASTN_SECRET_KEYS'),
    secretKeysFile: variable('FASTN_SECRET_KEYS_FILE')
  })
  if (found === null) throw lastFailure({})
  if (found.secret !== null) return { secretKey: SecretKey.from(found.secret), place: found.place, created: false }
  const publicKey = found.inKeyring === null ? wanted : PublicKey.from(found.inKeyring)
  if (publicKey === null) return null
  const secretKey = await abortable(loadFromKeyring(publicKey, options.keyring), signal)
  if (secretKey !== null) return { secretKey, place: `the keyring, for ${publicKey.id52}`, created: false }
  // A missing key is an error only if an `.id52` file names it.
  if (found.inKeyring === null) return null
  const claim = `according to ${found.place}, the secret key of ${publicKey.id52} is in the keyring`
  const advice = options.keyring
    ? 'but it is not; add it to the keyring or to FASTN_SECRET_KEYS'
    : 'set keyring: true, or put the key in FASTN_SECRET_KEYS'
  throw new FastnNetError('ERR_KEY_STORE', `${claim}; ${advice}`)
}

async function loadFromKeyring(publicKey: PublicKey, option: boolean | Keyring | undefined): Promise<SecretKey | null> {
  const keyring = await openKeyring(option)
  return keyring === null ? null : await readKeyring(keyring, publicKey)
}

interface Checked {
  folder: string
  name: string | null
  wanted: PublicKey | null
  variable: (name: string) => string | null
  signal: AbortSignal | undefined
}

function check(options: LoadSecretKeyOptions): Checked {
  const { folder = '.', name, id52, env = process.env, signal } = checkOptions(options, loadNames)
  throwIfAborted(signal)
  optional('string', folder, 'options.folder')
  optional('string', name, 'options.name')
  checkObject(env, 'options.env', 'an object')
  if (name !== undefined && id52 !== undefined) {
    throw new FastnNetError('ERR_INVALID_ARGUMENT', 'name and id52 exclude each other; give only one of them')
  }
  return {
    // Absolute, for errors and `place`.
    folder: resolve(folder),
    name: name ?? null,
    wanted: id52 === undefined ? null : PublicKey.from(id52),
    variable: variable => optional('string', env[variable], `options.env.${variable}`) ?? null,
    signal
  }
}
