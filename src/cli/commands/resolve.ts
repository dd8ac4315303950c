import { Resolver } from 'node:dns/promises'
import { PublicKey } from '../../index.js'
import { printable } from '../../util/display.js'
import type { Command } from '../command.js'
import { CliError, UsageError } from '../failure.js'
import { parseTime } from '../units.js'

/** Looks up the ID52 of a domain. */
export const resolve: Command = {
  name: 'resolve',
  summary: 'Look up the ID52 of a domain in DNS.',
  description: 'Prints the ID52 of the first TXT record SCOPE=ID52 of the domain.',
  arguments: [
    { name: 'DOMAIN', help: 'The domain, such as example.com.' },
    { name: 'SCOPE', help: 'Key of the record, such as malai.' }
  ],
  options: {
    dns: { help: "DNS server. Default: the system's.", value: 'ADDRESS[:PORT]' },
    timeout: { help: 'How long to wait for an answer: 500ms, 10s. Default: 5s.', value: 'TIME' }
  },
  examples: [
    ['fastn-net resolve example.com malai', 'The ID52 in the record malai=…'],
    ['fastn-net ping $(fastn-net resolve example.com malai)', 'Ping the peer of a domain.'],
    ['fastn-net resolve example.com malai --dns 1.1.1.1', 'Use this DNS server.']
  ],
  async run({ args, output, signal }) {
    const [domain, scope] = [args.required(0), args.required(1)]
    const records = await txtRecords(domain, args.text('dns'), args.text('timeout'), signal)
    const found = records.find(record => record.startsWith(`${scope}=`))
    if (found === undefined) {
      throw new CliError('ERR_RESOLVE', `${printable(domain)} has no TXT record ${printable(scope)}=ID52`)
    }
    const { id52 } = keyOf(found.slice(scope.length + 1), domain, scope)
    await output.result(id52, { event: 'resolved', domain, scope, id52 })
    return undefined
  }
}

function keyOf(text: string, domain: string, scope: string): PublicKey {
  try {
    return PublicKey.from(text.trim())
  } catch {
    throw new CliError('ERR_RESOLVE', `the TXT record ${printable(scope)} of ${printable(domain)} contains no ID52`)
  }
}

/** The TXT records of a domain, with the strings of a record joined. */
async function txtRecords(
  domain: string,
  server: string | undefined,
  time: string | undefined,
  signal: AbortSignal
): Promise<string[]> {
  const timeout = time === undefined ? 5_000 : parseTime(time, '--timeout')
  // The resolver sends three queries, with growing timeouts.
  const resolver = new Resolver({ timeout: Math.max(1, Math.ceil(timeout / 3)), tries: 3 })
  if (server !== undefined) {
    try {
      resolver.setServers([server])
    } catch {
      throw new UsageError(`--dns must be an address such as 1.1.1.1 or 127.0.0.1:53, not '${printable(server)}'`)
    }
  }
  const cancel = () => resolver.cancel()
  const late = setTimeout(cancel, timeout)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return (await resolver.resolveTxt(domain)).map(strings => strings.join(''))
  } catch (error) {
    signal.throwIfAborted()
    throw new CliError('ERR_RESOLVE', `cannot look up ${printable(domain)}: ${reasonOf(error)}`)
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', cancel)
  }
}

function reasonOf(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = {
    ENOTFOUND: 'the domain does not exist',
    ENODATA: 'it has no TXT records',
    ECANCELLED: 'the DNS server does not answer',
    ETIMEOUT: 'the DNS server does not answer',
    ECONNREFUSED: 'there is no DNS server at that address',
    EBADNAME: 'that is not a domain name',
    ESERVFAIL: 'the DNS server failed'
  }
  return reasons[code] ?? code
}
