import { FastnNetError } from '../errors.js'
import { invalid } from '../util/validate.js'
import type { PublicKey } from './public-key.js'
import { SecretKey } from './secret-key.js'

/**
 * Storage of secret keys by ID52. Implement it to use your own vault.
 *
 * `keyring: true` selects the system keyring: Keychain, Credential Manager or Secret Service, under the service name `fastn`. It
 * needs the optional package `@napi-rs/keyring`.
 */
export interface Keyring {
  /** Reads the secret of an ID52: 64 hex digits or 32 bytes. Resolves with `null` if there is none. */
  read(id52: string): Promise<string | Uint8Array | null>
  /** Stores a secret of 32 bytes. */
  write(id52: string, secret: Uint8Array<ArrayBuffer>): Promise<void>
}

/**
 * Opens the keyring of the `keyring` option, or returns `null` if there is none.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` if the package is missing. `ERR_INVALID_ARGUMENT`.
 */
export async function openKeyring(keyring: boolean | Keyring | null | undefined): Promise<Keyring | null> {
  if (keyring === undefined || keyring === false) return null
  if (keyring === true) return await systemKeyring()
  if (typeof keyring?.read === 'function' && typeof keyring.write === 'function') return keyring
  throw invalid('options.keyring', 'a boolean or an object with read and write')
}

/**
 * Reads the secret of a public key from a keyring. Resolves with `null` if there is none.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` if the keyring fails, or its entry is not the secret of `publicKey`.
 */
export async function readKeyring(keyring: Keyring, publicKey: PublicKey): Promise<SecretKey | null> {
  const { id52 } = publicKey
  let found: string | Uint8Array | null
  try {
    found = await keyring.read(id52)
  } catch (cause) {
    throw failed(
      `cannot read the secret key of ${id52} from the keyring; is the keyring installed and unlocked?`,
      cause
    )
  }
  if (found === null) return null
  let secretKey: SecretKey
  try {
    secretKey = SecretKey.from(typeof found === 'string' ? found.trim() : found)
  } catch (cause) {
    throw failed(`the keyring entry of ${id52} is not a secret key; correct or delete it`, cause)
  }
  if (!secretKey.publicKey.equals(publicKey)) {
    throw failed(`the keyring entry of ${id52} is the secret key of ${secretKey.id52}; correct or delete it`)
  }
  return secretKey
}

/**
 * Writes a secret key to a keyring.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` if the keyring fails.
 */
export async function writeKeyring(keyring: Keyring, secretKey: SecretKey): Promise<void> {
  try {
    await keyring.write(secretKey.id52, secretKey.toBytes())
  } catch (cause) {
    throw failed(
      `cannot write the secret key of ${secretKey.id52} to the keyring; is it installed and unlocked? Or omit keyring to use a file`,
      cause
    )
  }
}

/** The used part of `@napi-rs/keyring` 1.2 and 2. */
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
// Not a literal in import(): bundlers and the type checker would require the optional package.
const packageName: string = '@napi-rs/keyring'

async function systemKeyring(): Promise<Keyring> {
  const { AsyncEntry } = await load()
  return {
    async read(id52) {
      const entry = new AsyncEntry(service, id52)
      // Fails if the entry is not text. A failure of the keyring itself repeats below.
      const password = await entry.getPassword().catch(() => null)
      if (password != null && /^[0-9a-f]{64}$/i.test(password.trim())) return password
      const secret = await entry.getSecret()
      return secret == null ? null : Uint8Array.from(secret)
    },
    async write(id52, secret) {
      // Without a Secret Service, Linux would fall back to the kernel keyring, which a reboot empties.
      const entry = new AsyncEntry(service, id52, { linux: { store: 'secret-service' } })
      // Bytes, not hex: the only form that all Rust programs read.
      await entry.setSecret(secret)
    }
  }
}

async function load(): Promise<KeyringPackage> {
  try {
    return (await import(packageName)) as KeyringPackage
  } catch (cause) {
    throw failed(`the system keyring needs the package ${packageName}; run npm install ${packageName}`, cause)
  }
}

function failed(message: string, cause?: unknown): FastnNetError {
  return new FastnNetError('ERR_KEY_STORE', message, cause === undefined ? {} : { cause })
}
