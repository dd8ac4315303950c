import { text } from 'node:stream/consumers'
import { loadSecretKey, SecretKey } from '../index.js'
import { keyFrom, readKeyFile } from './key-file.js'
import { findMalaiKey } from './malai-key.js'

/** The key of `--key`, else the key of the environment or the current folder. `null` if there is none. */
export async function findKey(file: string | undefined, signal: AbortSignal): Promise<SecretKey | null> {
  if (file === undefined) return await loadSecretKey({ keyring: true, signal })
  return file === '-' ? keyFrom(await text(process.stdin), 'stdin') : await readKeyFile(file)
}

/** Like {@link findKey}, but generates a key if there is none. `isForMalai`: if malai has none either. */
export async function keyOrNew(file: string | undefined, isForMalai: boolean, signal: AbortSignal): Promise<SecretKey> {
  const key = await findKey(file, signal)
  return key ?? (isForMalai ? await findMalaiKey(signal) : null) ?? SecretKey.generate()
}
