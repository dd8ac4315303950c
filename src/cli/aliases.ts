import type { HttpDestination } from '../index.js'
import type { Arguments } from './arguments.js'
import { UsageError } from './failure.js'
import { readLimited } from './read-limited.js'
import type { OptionSpecs } from './specs.js'

/** Maximum size of an aliases file. */
const maxBytes = 1_048_576

/** Options for aliases of peers. */
export const aliasOptions: OptionSpecs = {
  alias: { help: 'Reach a peer as http://NAME.localhost:PORT/.', value: 'NAME=PEER', multiple: true },
  aliases: { help: 'File with one NAME PEER [SERVICE] per line; # begins a comment.', value: 'FILE' }
}

/** The aliases of {@link aliasOptions}. */
export async function aliasesOf(args: Arguments): Promise<Record<string, HttpDestination>> {
  const aliases = new Map<string, HttpDestination>()
  const add = (name: string | undefined, peer: string | undefined, service: string | undefined, place: string) => {
    if (!name || !peer) throw new UsageError(`${place}: a name and a peer are required`)
    if (aliases.has(name)) throw new UsageError(`${place}: '${name}' is defined twice`)
    aliases.set(name, { peer, service })
  }
  const file = args.text('aliases')
  const lines = file === undefined ? [] : (await textOf(file)).split('\n')
  for (const [index, line] of lines.entries()) {
    const words = line
      .replace(/(?:^|\s)#.*/, '')
      .trim()
      .split(/\s+/)
    if (words.length > 3) throw new UsageError(`${file}:${index + 1}: write NAME PEER [SERVICE]`)
    if (words[0] !== '') add(words[0], words[1], words[2], `${file}:${index + 1}`)
  }
  for (const text of args.list('alias')) {
    const [, name, peer] = /^([^=]*)=(.*)$/.exec(text) ?? []
    add(name, peer, undefined, `--alias ${text}`)
  }
  return Object.fromEntries(aliases)
}

async function textOf(file: string): Promise<string> {
  try {
    const bytes = await readLimited(file, maxBytes)
    if (bytes === 'no file') throw new UsageError(`'${file}' is not a file`)
    if (bytes === 'too long') throw new UsageError(`the file '${file}' is longer than ${maxBytes} bytes`)
    return bytes.toString('utf8')
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`cannot read the file '${file}': ${(error as NodeJS.ErrnoException).code}`)
  }
}
