import { existsSync } from 'node:fs'
import { constants, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { loadSecretKey, SecretKey } from '../index.js'
import { CliError } from './failure.js'
import { shellWord } from './quote.js'

/** A key file holds 64 digits. The cut bounds what is read of another file. */
const maxKeyFileBytes = 4096

/** The key of `--key`, else the key of the environment or the current folder. `null` if there is none. */
export async function findKey(file: string | undefined, signal: AbortSignal): Promise<SecretKey | null> {
  if (file === undefined) return await loadSecretKey({ keyring: true, signal })
  return file === '-' ? keyFrom(await text(process.stdin), 'stdin') : await readKeyFile(file)
}

/** Like {@link findKey}, but makes a key if there is none. `isForMalai`: if malai has none either. */
export async function keyOrNew(file: string | undefined, isForMalai: boolean, signal: AbortSignal): Promise<SecretKey> {
  const key = await findKey(file, signal)
  return key ?? (isForMalai ? await findMalaiKey() : null) ?? SecretKey.generate()
}

/** The key that malai uses in the current folder. `null` if there is none. */
export async function findMalaiKey(): Promise<SecretKey | null> {
  const hex = process.env.KULFI_SECRET_KEY
  if (hex !== undefined && hex !== '') return keyFrom(hex, 'KULFI_SECRET_KEY')
  if (existsSync('.malai.secret-key')) return await readKeyFile('.malai.secret-key')
  if (!existsSync('.malai.id52')) return null
  const text = "the key of '.malai.id52' is in malai's keyring, which is not read: give the key with --key FILE"
  throw new CliError('ERR_KEY_STORE', text)
}

async function readKeyFile(path: string): Promise<SecretKey> {
  // Without O_NONBLOCK, which Windows lacks, a FIFO would block the open.
  const file = await open(resolve(path), constants.O_RDONLY | constants.O_NONBLOCK).catch(error => {
    const advice = error.code === 'ENOENT' ? `. To create it: fastn-net keygen --file ${shellWord(path)}` : ''
    throw new CliError('ERR_KEY_STORE', `cannot read the key file '${path}': ${error.code}${advice}`)
  })
  try {
    if (!(await file.stat()).isFile()) throw new CliError('ERR_KEY_STORE', `'${path}' is not a regular file`)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxKeyFileBytes), 0, maxKeyFileBytes, 0)
    return keyFrom(buffer.toString('latin1', 0, bytesRead), `the file '${path}'`)
  } finally {
    await file.close()
  }
}

function keyFrom(hex: string, place: string): SecretKey {
  try {
    return SecretKey.from(hex.trim())
  } catch {
    throw new CliError('ERR_SECRET_KEY', `${place} holds no secret key: 64 hex digits are expected`)
  }
}
