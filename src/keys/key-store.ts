import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { builtin } from '../util/builtin.js'
import type { KeyStoreOptions, LoadSecretKeyOptions, StoredSecretKey } from './key-store-options.js'
import { SecretKey } from './secret-key.js'

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
  return (await (await storedKeys()).find(options))?.secretKey ?? null
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
  return (await storedKeys()).save(secretKey, options)
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
  return (await storedKeys()).readOrCreate(options)
}

/**
 * Reads the secret key in this file, or creates the file with a new key.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` if the file holds no key or cannot be written, or its folder does not exist.
 */
export function keyOfFile(path: string): SecretKey {
  const secret = native().keyStoreFile(builtin('node:path').resolve(path), SecretKey.generate().toBytes())
  if (secret === null) throw lastFailure({})
  return SecretKey.from(secret)
}

// Loaded by the first call: many programs store no key.
function storedKeys(): Promise<typeof import('./stored-keys.js')> {
  return import('./stored-keys.js')
}
