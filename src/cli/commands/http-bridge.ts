import type { BridgeHttpOptions } from '../../index.js'
import { bridgingHttp } from '../../rig/services/index.js'
import { aliasesOf, aliasOptions } from '../aliases.js'
import type { Command } from '../command.js'
import { UsageError } from '../failure.js'
import { bridge } from '../serve.js'
import { localHostOption, serviceOption } from '../services.js'
import { endpointOptions } from '../specs.js'
import { parsePort } from '../units.js'

/** Bridges a local port to web servers of peers. */
export const httpBridge: Command = {
  name: 'http-bridge',
  summary: 'Listen on a local port, and send HTTP requests to peers.',
  description:
    'http://ID52.localhost:PORT/ and http://SERVICE.ID52.localhost:PORT/ reach a peer that runs http or folder. With --peer, http://localhost:PORT/ reaches that peer, and other peers are not reachable. Prints the local address. Runs until Ctrl-C.',
  arguments: [{ name: 'PORT', help: 'Local port. Default: a free one.', optional: true }],
  options: {
    peer: { help: 'Ticket or ID52 of the peer for localhost.', value: 'PEER' },
    ...serviceOption,
    ...aliasOptions,
    ...localHostOption,
    unix: { help: 'Listen on this Unix socket instead of a port.', value: 'FILE' },
    ...endpointOptions
  },
  examples: [
    ['fastn-net http-bridge 8080', 'Then open http://ID52.localhost:8080/ in a browser.'],
    ['fastn-net http-bridge 8080 --peer TICKET', 'Then: curl http://localhost:8080/'],
    ['fastn-net http-bridge 8080 --alias shop=ID52', 'Then open http://shop.localhost:8080/.']
  ],
  async run(context) {
    const { args } = context
    const [port, host, path, peer] = [args.positionals[0], args.text('host'), args.text('unix'), args.text('peer')]
    if (path !== undefined && (port !== undefined || host !== undefined)) {
      throw new UsageError('--unix and a port or --host exclude each other')
    }
    if (peer === undefined && args.has('service')) throw new UsageError('--service needs --peer')
    const options: BridgeHttpOptions = {
      ...(peer !== undefined && { peer, service: args.text('service') }),
      hosts: await aliasesOf(args),
      ...(path === undefined ? { port: parsePort(port ?? '0', 'PORT') } : { path }),
      ...(host !== undefined && { host })
    }
    await bridge(context, bridgingHttp(options))
    return undefined
  }
}
