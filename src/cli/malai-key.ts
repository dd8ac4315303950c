import { existsSync } from 'node:fs'
import { type Keyring, loadSecretKey, type SecretKey } from '../index.js'
import { CliError } from './failure.js'
import { keyFrom, readKeyFile } from './key-file.js'
import { readLimited } from './read-limited.js'

const keyFile = '.malai.secret-key'
/** File that names the key in the keyring. */
const idFile = '.malai.id52'
/** Maximum size of an ID52 file. */
const maxIdBytes = 256

/** The used part of `@napi-rs/keyring`. */
interface KeyringPackage {
  readonly AsyncEntry: new (
    service: string,
    account: string,
    options: { linux: { store: 'keyutils' } }
  ) => { getSecret(): Promise<Uint8Array | number[] | null | undefined> }
}

/** The key that malai uses in the current folder: of the environment, a file or its keyring. `null` if there is none. */
export async function findMalaiKey(signal: AbortSignal): Promise<SecretKey | null> {
  const hex = process.env.KULFI_SECRET_KEY
  if (hex !== undefined && hex !== '') return keyFrom(hex, 'KULFI_SECRET_KEY')
  if (existsSync(keyFile)) return await readKeyFile(keyFile)
  if (!existsSync(idFile)) return null
  const id52 = String(await readLimited(idFile, maxIdBytes)).trim()
  const key = await loadSecretKey({ id52, keyring: await keyringOfMalai(), env: {}, signal })
  if (key === null) throw failure('is not in the keyring of malai: give the key with --key FILE')
  return key
}

async function keyringOfMalai(): Promise<Keyring> {
  // Not a literal, so that the package is not bundled.
  const name: string = '@napi-rs/keyring'
  const { AsyncEntry } = await import(name).then(
    (found: KeyringPackage) => found,
    () => {
      throw failure(`is in the keyring of malai, which needs a package: npm install ${name}; or give --key FILE`)
    }
  )
  return {
    async read(id52) {
      const secret = await new AsyncEntry('kulfi', id52, { linux: { store: 'keyutils' } }).getSecret()
      return secret == null ? null : Uint8Array.from(secret)
    },
    async write() {
      throw failure('belongs to malai and is never changed')
    }
  }
}

function failure(what: string): CliError {
  return new CliError('ERR_KEY_STORE', `the key of '${idFile}' ${what}`)
}
