import { constants, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { SecretKey } from '../index.js'
import { CliError } from './failure.js'
import { shellWord } from './quote.js'

/** Maximum read size. A key file has 64 digits. */
const maxKeyFileBytes = 4096

/** The key in a file. */
export async function readKeyFile(path: string): Promise<SecretKey> {
  // Without O_NONBLOCK, which Windows lacks, opening a FIFO would block.
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

/** Parses a key. Errors name the place. */
export function keyFrom(hex: string, place: string): SecretKey {
  try {
    return SecretKey.from(hex.trim())
  } catch {
    throw new CliError('ERR_SECRET_KEY', `${place} contains no secret key: 64 hex digits are expected`)
  }
}
