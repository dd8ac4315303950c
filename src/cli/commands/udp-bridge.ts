import { bridging } from '../../rig/services/index.js'
import type { Command } from '../command.js'
import { bridge } from '../serve.js'
import { flowTimeoutOf, flowTimeoutOption, localHostOption, serviceOption } from '../services.js'
import { endpointOptions } from '../specs.js'
import { parsePort } from '../units.js'

/** Bridges a local port to a peer's UDP service. */
export const udpBridge: Command = {
  name: 'udp-bridge',
  summary: "Listen on a local UDP port, and carry its datagrams to a peer's UDP service.",
  description: 'Prints the local address. Dials the peer when the first client sends. Runs until Ctrl-C.',
  arguments: [
    { name: 'PEER', help: 'Ticket or ID52 of the peer that runs udp.' },
    { name: 'PORT', help: 'Local port. Default: a free one.', optional: true }
  ],
  options: { ...serviceOption, ...localHostOption, ...flowTimeoutOption, ...endpointOptions },
  examples: [
    ['fastn-net udp-bridge TICKET 5353 --service dns', 'Then: dig -p 5353 @127.0.0.1 example.com'],
    ['fastn-net udp-bridge ID52 51820', 'The service without a name.']
  ],
  async run(context) {
    const { args } = context
    const [host, service] = [args.text('host'), args.text('service')]
    const port = parsePort(args.positionals[1] ?? '0', 'PORT')
    const more = { ...flowTimeoutOf(args), ...(host !== undefined && { host }) }
    await bridge(context, bridging('udp', { peer: args.required(0), service, port, ...more }))
    return undefined
  }
}
