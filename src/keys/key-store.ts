import { resolve } from 'node:path'
import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { whileWanted } from '../util/timeout.js'
import { checkOptions, type OptionNames, object, optional, throwIfAborted } from '../util/validate.js'
import { type Keyring, openKeyring, readKeyring, writeKeyring } from './keyring.js'
import { PublicKey } from './public-key.js'
import { SecretKey } from './secret-key.js'

/** Where a key is looked for or put. */
export interface KeyStoreOptions {
  /** Folder of the files. Default: the current one. */
  folder?: string | undefined
  /**
   * The key's name: the files are then `{name}.private-key` or `{name}.id52`.
   * Default: none, for the one key of a program in `.fastn.secret-key` or `.fastn.id52`.
   */
  name?: string | undefined
  /**
   * Whether a keyring may be asked, and which: `true` for the system's, which needs the package `@napi-rs/keyring`.
   * Default: `false`.
   */
  keyring?: boolean | Keyring | undefined
  /** Environment variables to look into. Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Ends the wait for a keyring, which may ask a person; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** What {@link loadSecretKey} looks for. */
export interface LoadSecretKeyOptions extends KeyStoreOptions {
  /** Look for the secret of this public key, in the environment's lines and the keyring; no files. Not with `name`. */
  id52?: string | PublicKey | undefined
}

/** The names of {@link KeyStoreOptions}. */
const storeNames: OptionNames<KeyStoreOptions> = { folder: true, name: true, keyring: true, env: true, signal: true }
/** The names of {@link LoadSecretKeyOptions}. */
const loadNames: OptionNames<LoadSecretKeyOptions> = { ...storeNames, id52: true }

/** A secret key that is stored somewhere. */
export interface StoredSecretKey {
  /** The key. */
  readonly secretKey: SecretKey
  /** Where it is, for a person: a path, the name of an environment variable, or the keyring. */
  readonly place: string
  /** Whether it was made just now. */
  readonly created: boolean
}

/**
 * Looks for a secret key where the Rust programs have it. Resolves `null` when there is none.
 *
 * - without `name` and `id52`: `FASTN_SECRET_KEY` (hex), else the file `.fastn.secret-key` (hex), else `.fastn.id52`
 * - with `name`: the line `{name}: {hex}` of the environment's lines, else `{name}.private-key` (hex) or `{name}.id52`
 * - with `id52`: the line whose prefix is the beginning of the ID52, else the keyring
 *
 * The environment's lines are in `FASTN_SECRET_KEYS`, or in the file that `FASTN_SECRET_KEYS_FILE` names.
 * An `.id52` file says that the secret is in the environment's lines or in the keyring.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` when what is there is no key or not the right one, when two places contradict
 * each other (both files of one name, both variables of lines), or when a keyring is needed and not asked for, missing or
 * locked, or when a file is no regular file or larger than 64 KiB. `ERR_PEER_ADDRESS` when `id52` is none.
 * `ERR_INVALID_ARGUMENT` when `name` is no plain file name, or a variable in `env` is no string.
 */
export async function loadSecretKey(options: LoadSecretKeyOptions = {}): Promise<SecretKey | null> {
  return (await find(options))?.secretKey ?? null
}

/**
 * Stores a secret key in `.fastn.secret-key` or `{name}.private-key`, for its owner only (mode 0600); with `keyring`, in the
 * keyring, and only the ID52 in `.fastn.id52` or `{name}.id52`. Resolves with the path of that file.
 *
 * A key that is there already is never overwritten. When writing the file fails, the keyring keeps the key.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` when a key is there already, or it cannot be written.
 * `ERR_SECRET_KEY` when it is no secret key. `ERR_INVALID_ARGUMENT` when `name` is no plain file name.
 */
export async function saveSecretKey(secretKey: SecretKey, options: KeyStoreOptions = {}): Promise<string> {
  const key = SecretKey.from(secretKey)
  checkOptions(options, storeNames)
  const { folder, name, signal } = check(options)
  const keyring = await whileWanted(openKeyring(options.keyring), signal)
  if (keyring !== null) await whileWanted(writeKeyring(keyring, key), signal)
  const path =
    keyring === null
      ? native().keyStoreSave(folder, name, key.toBytes())
      : native().keyStoreSavePublic(folder, name, key.publicKey.toBytes())
  if (path === null) throw lastFailure({})
  return path
}

/**
 * The secret key that {@link loadSecretKey} finds, or, when there is none, a new one that {@link saveSecretKey} has stored.
 * `place` says where it is. A key that is there and cannot be used is an error, never replaced. Of programs that start
 * at once, all get the key of the first.
 *
 * @example
 * const { secretKey, place, created } = await readOrCreateSecretKey()
 * if (created) console.log(`new key ${secretKey.id52} in ${place}`)
 *
 * @throws {FastnNetError} as these two.
 */
export async function readOrCreateSecretKey(options: KeyStoreOptions = {}): Promise<StoredSecretKey> {
  // Without `id52`: no new key can be made for an ID52 that is wanted.
  checkOptions(options, storeNames)
  const { signal } = options
  const found = await find(options)
  if (found !== null) return found
  const secretKey = SecretKey.generate()
  try {
    return { secretKey, place: await saveSecretKey(secretKey, options), created: true }
  } catch (error) {
    signal?.throwIfAborted()
    // Another program may have stored its key since.
    const stored = await find(options)
    if (stored === null) throw error
    return stored
  }
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
  const secretKey = await whileWanted(fromKeyring(publicKey, options.keyring), signal)
  if (secretKey !== null) return { secretKey, place: `the keyring, for ${publicKey.id52}`, created: false }
  // For an `id52` that was asked for it is simply not there; a file that names one says that it is.
  if (found.inKeyring === null) return null
  const says = `${found.place} says that the secret key of ${publicKey.id52} is in the keyring`
  const advice = options.keyring
    ? 'it is not: put it there, or into FASTN_SECRET_KEYS'
    : 'ask for it with keyring: true, or give the key in FASTN_SECRET_KEYS'
  throw new FastnNetError('ERR_KEY_STORE', `${says}; ${advice}`)
}

async function fromKeyring(publicKey: PublicKey, asked: boolean | Keyring | undefined): Promise<SecretKey | null> {
  const keyring = await openKeyring(asked)
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
  object(env, 'options.env', 'an object')
  if (name !== undefined && id52 !== undefined) {
    throw new FastnNetError('ERR_INVALID_ARGUMENT', 'name and id52 look in different places: give one of them')
  }
  return {
    // The whole path: that is what errors and `place` show.
    folder: resolve(folder),
    name: name ?? null,
    wanted: id52 === undefined ? null : PublicKey.from(id52),
    variable: variable => optional('string', env[variable], `options.env.${variable}`) ?? null,
    signal
  }
}
