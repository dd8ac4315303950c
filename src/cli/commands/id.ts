import { PublicKey } from '../../index.js'
import type { Command } from '../command.js'
import { CliError } from '../failure.js'
import { findKey } from '../keys.js'

/** Prints an ID52. */
export const id: Command = {
  name: 'id',
  summary: 'Print the ID52 of a key.',
  description:
    'Without KEY: the ID52 of the secret key in --key, FASTN_SECRET_KEY, .fastn.secret-key or .fastn.id52, in this order.',
  arguments: [{ name: 'KEY', help: 'A public key: ID52, hex or z-base-32.', optional: true }],
  options: {
    key: { help: 'File with the secret key (hex); - reads it from stdin.', value: 'FILE', short: 'k' }
  },
  examples: [
    ['fastn-net id', 'The ID52 of the default key.'],
    ['fastn-net id --key server.key', 'The ID52 of a key file.'],
    ['fastn-net id PUBLIC-KEY --json', 'A public key in other formats.']
  ],
  async run({ args, output, signal }) {
    const [text] = args.positionals
    const key = text === undefined ? await ownKey(args.text('key'), signal) : PublicKey.from(text)
    await output.result(key.id52, { event: 'id', id52: key.id52, hex: key.toHex() })
    return undefined
  }
}

async function ownKey(file: string | undefined, signal: AbortSignal): Promise<PublicKey> {
  const secretKey = await findKey(file, signal)
  if (secretKey !== null) return secretKey.publicKey
  throw new CliError('ERR_KEY_STORE', 'no key found. To create one: fastn-net keygen --file .fastn.secret-key')
}
