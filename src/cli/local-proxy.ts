import { proxying } from '../rig/services/index.js'
import type { Command } from './command.js'
import { bridge } from './serve.js'
import { localHostOption, serviceOption } from './services.js'
import { endpointOptions } from './specs.js'
import { parsePort } from './units.js'

/** A command that serves a proxy on a local port and connects through a peer. */
export function localProxy(
  name: 'proxy' | 'socks5',
  { summary, examples }: Pick<Command, 'summary' | 'examples'>
): Command {
  return {
    name,
    summary,
    description:
      'Prints the local address. The peer resolves names. Dials the peer when the first client connects. Runs until Ctrl-C.',
    arguments: [
      { name: 'PEER', help: 'Ticket or ID52 of the peer that runs proxy-remote.' },
      { name: 'PORT', help: 'Local port. Default: a free one.', optional: true }
    ],
    options: { ...serviceOption, ...localHostOption, ...endpointOptions },
    examples,
    async run(context) {
      const { args } = context
      const [host, service] = [args.text('host'), args.text('service')]
      const port = parsePort(args.positionals[1] ?? '0', 'PORT')
      await bridge(context, proxying(name, args.required(0), { service, port, ...(host !== undefined && { host }) }))
      return undefined
    }
  }
}
