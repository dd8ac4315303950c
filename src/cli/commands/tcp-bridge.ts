import type { BridgeOptions } from '../../index.js'
import { bridging } from '../../rig/services/index.js'
import type { Command } from '../command.js'
import { UsageError } from '../failure.js'
import { bridge } from '../serve.js'
import { localHostOption, serviceOption } from '../services.js'
import { endpointOptions } from '../specs.js'
import { parsePort } from '../units.js'

/** Bridges a local port to a peer's TCP service. */
export const tcpBridge: Command = {
  name: 'tcp-bridge',
  summary: "Listen on a local port, and carry its connections to a peer's TCP service.",
  description: 'Prints the local address. Dials the peer when the first client connects. Runs until Ctrl-C.',
  arguments: [
    { name: 'PEER', help: 'Ticket or ID52 of the peer that runs tcp.' },
    { name: 'PORT', help: 'Local port. Default: a free one.', optional: true }
  ],
  options: {
    ...serviceOption,
    ...localHostOption,
    unix: { help: 'Listen on this Unix socket instead of a port.', value: 'FILE' },
    ...endpointOptions
  },
  examples: [
    ['fastn-net tcp-bridge TICKET 2222', "Then: ssh -p 2222 localhost reaches the peer's ssh."],
    ['fastn-net tcp-bridge ID52 5432 --service database', 'One of several services.']
  ],
  async run(context) {
    const { args } = context
    const [peer, port] = [args.required(0), args.positionals[1]]
    const [host, path] = [args.text('host'), args.text('unix')]
    if (path !== undefined && (port !== undefined || host !== undefined)) {
      throw new UsageError('--unix and a port or --host exclude each other')
    }
    const options: BridgeOptions = {
      peer,
      service: args.text('service'),
      ...(path === undefined ? { port: parsePort(port ?? '0', 'PORT') } : { path }),
      ...(host !== undefined && { host })
    }
    await bridge(context, bridging('tcp', options))
    return undefined
  }
}
