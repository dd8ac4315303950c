import type { Command } from '../command.js'
import { proxying } from '../run/proxies.js'
import { bridge } from '../serve.js'
import { localHostOption, serviceOption } from '../services.js'
import { endpointOptions } from '../specs.js'
import { parseCount } from '../units.js'

/** Serves SOCKS 5 on a local port. */
export const socks5: Command = {
  name: 'socks5',
  summary: "Listen on a local port as a SOCKS 5 server, and reach destinations through a peer's proxy.",
  description:
    'Prints the local address. The peer looks names up. Dials the peer when the first client connects. Runs until Ctrl-C.',
  arguments: [
    { name: 'PEER', help: 'Ticket or ID52 of the peer that runs proxy-remote.' },
    { name: 'PORT', help: 'Local port. Default: a free one.', optional: true }
  ],
  options: { ...serviceOption, ...localHostOption, ...endpointOptions },
  examples: [
    ['fastn-net socks5 TICKET 1080', 'Then: curl --proxy socks5h://127.0.0.1:1080 https://example.com'],
    ['fastn-net socks5 ID52 1080 --service office', 'One of several proxies.']
  ],
  async run(context) {
    const { args } = context
    const [host, service] = [args.text('host'), args.text('service')]
    const port = parseCount(args.positionals[1] ?? '0', 'PORT')
    await bridge(context, proxying('socks5', args.required(0), { service, port, ...(host !== undefined && { host }) }))
    return undefined
  }
}
