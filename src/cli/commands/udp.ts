import { exposing, targetOf } from '../../rig/services/index.js'
import { qrOption } from '../announce.js'
import type { Command } from '../command.js'
import { expose } from '../serve.js'
import { flowTimeoutOf, flowTimeoutOption, serviceOption, serviceWords } from '../services.js'
import { endpointOptions, exposeOptions } from '../specs.js'

/** Exposes a UDP service. */
export const udp: Command = {
  name: 'udp',
  summary: 'Expose a UDP service to peers.',
  description:
    'Prints its ticket. Peers reach the service with udp-bridge. Each client gets its own local socket. Runs until Ctrl-C.',
  arguments: [{ name: 'TARGET', help: 'PORT of 127.0.0.1, or HOST:PORT.' }],
  options: {
    ...exposeOptions,
    ...serviceOption,
    host: { help: 'Host of the target, if it is a port. Default: 127.0.0.1.', value: 'HOST' },
    ...flowTimeoutOption,
    ...qrOption,
    ...endpointOptions
  },
  examples: [
    ['fastn-net udp 192.168.1.1:53 --service dns --allow ID52', 'The DNS server of this network, for one peer.'],
    ['fastn-net udp 51820 --public', 'A local service, for every peer that has the ticket.']
  ],
  async run(context) {
    const { args } = context
    const target = targetOf(args.required(0), args.text('host'))
    const service = args.text('service')
    const settings = { service, ...flowTimeoutOf(args) }
    const start = (allow: readonly string[] | 'public') => exposing('udp', target, { ...settings, allow })
    await expose(context, start, `To reach it: fastn-net udp-bridge TICKET PORT${serviceWords(service)}`)
    return undefined
  }
}
