import { resolve } from 'node:path'
import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { abortable } from '../util/timeout.js'
import { checkObject, checkOptions, type OptionNames, optional, throwIfAborted } from '../util/validate.js'
import type { KeyStoreOptions, LoadSecretKeyOptions, StoredSecretKey } from './key-store-options.js'
import { type Keyring, openKeyring, readKeyring, writeKeyring } from './keyring.js'
import { PublicKey } from './public-key.js'
import { SecretKey } from './secret-key.js'

/** Names of {@link KeyStoreOptions}. */
const storeNames: OptionNames<KeyStoreOptions> = { folder: true, name: true, keyring: true, env: true, signal: true }
/** Names of {@link LoadSecretKeyOptions}. */
const loadNames: OptionNames<LoadSecretKeyOptions> = { ...storeNames, id52: true }

export async function save(secretKey: SecretKey, options: KeyStoreOptions): Promise<string> {
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

export async function readOrCreate(options: KeyStoreOptions): Promise<StoredSecretKey> {
  // Rejects `id52`: a new key cannot match a given ID52.
  checkOptions(options, storeNames)
  const { signal } = options
  const found = await find(options)
  if (found !== null) return found
  const secretKey = SecretKey.generate()
  try {
    return { secretKey, place: await save(secretKey, options), created: true }
  } catch (error) {
    signal?.throwIfAborted()
    // Another program may have saved its key in the meantime.
    const stored = await find(options)
    if (stored === null) throw error
    return stored
  }
}

export async function find(options: LoadSecretKeyOptions): Promise<StoredSecretKey | null> {
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
