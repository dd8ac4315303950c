import { randomUUID } from 'node:crypto'
import { link, open, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { SecretKey, saveSecretKey } from '../../index.js'
import type { Command } from '../command.js'
import { CliError, UsageError } from '../failure.js'
import { shellWord } from '../quote.js'

/** Creates a key. */
export const keygen: Command = {
  name: 'keygen',
  summary: 'Create a secret key.',
  description:
    'Without --file and --keyring, prints the secret key to stdout and its ID52 to stderr. Otherwise prints the ID52.\n' +
    'Commands find .fastn.secret-key in the current folder automatically. Never overwrites a key.',
  options: {
    file: { help: 'Write the key to this file, readable by its owner only; - prints it.', value: 'FILE', short: 'f' },
    keyring: { help: "Store the key in the system's keyring, and its ID52 in .fastn.id52.", short: 'k' }
  },
  examples: [
    ['fastn-net keygen --file .fastn.secret-key', "Create the key for this folder's programs."],
    ['FASTN_SECRET_KEY=$(fastn-net keygen --quiet) fastn-net id', 'Keep the key in a variable.']
  ],
  async run({ args, output, signal }) {
    const secretKey = SecretKey.generate()
    const { id52 } = secretKey
    const file = args.text('file')
    if (args.has('keyring')) {
      if (file !== undefined) throw new UsageError('--file and --keyring exclude each other')
      const path = await saveSecretKey(secretKey, { keyring: true, signal })
      await output.result(id52, { event: 'key', id52, file: path })
    } else if (file === undefined || file === '-') {
      output.hint(`ID52: ${id52}`)
      await output.result(secretKey.toHex(), { event: 'key', id52, secretKey: secretKey.toHex() })
    } else {
      await writeKeyFile(file, secretKey)
      await output.result(id52, { event: 'key', id52, file: resolve(file) })
    }
    return undefined
  }
}

/** Writes a key file atomically, without replacing an existing one. */
async function writeKeyFile(path: string, secretKey: SecretKey): Promise<void> {
  const target = resolve(path)
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(secretKey.toHex())
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, target)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const isThere = 'it exists, and a key is never overwritten. To print its ID52: fastn-net id --key'
    const why = code === 'EEXIST' ? `${isThere} ${shellWord(path)}` : code
    throw new CliError('ERR_KEY_STORE', `cannot write the key file '${path}': ${why}`)
  } finally {
    await rm(temporary, { force: true })
  }
}
