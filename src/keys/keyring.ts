import { FastnNetError } from '../errors.js'
import { invalid } from '../util/validate.js'
import type { PublicKey } from './public-key.js'
import { SecretKey } from './secret-key.js'

/**
 * A place for secrets that are named by their ID52. `keyring: true` means the system's: Keychain, Credential Manager or
 * Secret Service, through the optional package `@napi-rs/keyring`, under the service `fastn`. Bring your own for another vault.
 */
export interface Keyring {
  /** The secret of an ID52, as 64 hex digits or 32 bytes; `null` when it is not there. */
  read(id52: string): Promise<string | Uint8Array | null>
  /** Puts a secret of 32 bytes there. */
  write(id52: string, secret: Uint8Array<ArrayBuffer>): Promise<void>
}

/** The keyring that was asked for, or `null`. `ERR_KEY_STORE` when it cannot be had; `ERR_INVALID_ARGUMENT`. */
export async function openKeyring(keyring: boolean | Keyring | null | undefined): Promise<Keyring | null> {
  if (keyring === undefined || keyring === false) return null
  if (keyring === true) return await systemKeyring()
  if (typeof keyring?.read === 'function' && typeof keyring.write === 'function') return keyring
  throw invalid('options.keyring', 'a boolean or an object with read and write')
}

/** The secret of a public key; `null` when it is not there. `ERR_KEY_STORE` when what is there is not that secret. */
export async function readKeyring(keyring: Keyring, publicKey: PublicKey): Promise<SecretKey | null> {
  const { id52 } = publicKey
  let found: string | Uint8Array | null
  try {
    found = await keyring.read(id52)
  } catch (cause) {
    throw failed(`the keyring could not be asked for the secret key of ${id52}: is it there and unlocked?`, cause)
  }
  if (found === null) return null
  let secretKey: SecretKey
  try {
    secretKey = SecretKey.from(typeof found === 'string' ? found.trim() : found)
  } catch (cause) {
    throw failed(`what the keyring holds for ${id52} is no secret key: correct or delete that entry`, cause)
  }
  if (!secretKey.publicKey.equals(publicKey)) {
    throw failed(
      `what the keyring holds for ${id52} is the secret key of ${secretKey.id52}: correct or delete that entry`
    )
  }
  return secretKey
}

/** Puts a secret key into the keyring. `ERR_KEY_STORE` when that fails. */
export async function writeKeyring(keyring: Keyring, secretKey: SecretKey): Promise<void> {
  try {
    await keyring.write(secretKey.id52, secretKey.toBytes())
  } catch (cause) {
    throw failed(
      `the keyring did not take the secret key of ${secretKey.id52}: is it there and unlocked? A file is the other way`,
      cause
    )
  }
}

/** What is used of `@napi-rs/keyring`, 1.2 and 2. */
interface KeyringPackage {
  readonly AsyncEntry: new (
    service: string,
    account: string,
    options?: { linux?: { store?: 'secret-service' | 'keyutils' } }
  ) => {
    getPassword(): Promise<string | null | undefined>
    getSecret(): Promise<Uint8Array | number[] | null | undefined>
    setSecret(secret: Uint8Array): Promise<void>
  }
}

const service = 'fastn'
// Not a literal in import(): bundlers and the type checker would want the optional package to be there.
const packageName: string = '@napi-rs/keyring'

async function systemKeyring(): Promise<Keyring> {
  const { AsyncEntry } = await load()
  return {
    async read(id52) {
      const entry = new AsyncEntry(service, id52)
      // Bytes that are no text make this fail; a keyring that cannot be had fails again below.
      const password = await entry.getPassword().catch(() => null)
      if (password != null && /^[0-9a-f]{64}$/i.test(password.trim())) return password
      const secret = await entry.getSecret()
      return secret == null ? null : Uint8Array.from(secret)
    },
    async write(id52, secret) {
      // Linux without a Secret Service would fall back to the kernel's keyring, which a restart empties.
      const entry = new AsyncEntry(service, id52, { linux: { store: 'secret-service' } })
      // Bytes, not hex: the only form that every Rust program reads.
      await entry.setSecret(secret)
    }
  }
}

async function load(): Promise<KeyringPackage> {
  try {
    return (await import(packageName)) as KeyringPackage
  } catch (cause) {
    throw failed(`the system's keyring needs the package ${packageName}: npm install ${packageName}`, cause)
  }
}

function failed(message: string, cause?: unknown): FastnNetError {
  return new FastnNetError('ERR_KEY_STORE', message, cause === undefined ? {} : { cause })
}
