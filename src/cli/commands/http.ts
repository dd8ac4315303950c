import { exposingHttp, targetOf } from '../../rig/services/index.js'
import { qrOption } from '../announce.js'
import type { Command } from '../command.js'
import { expose } from '../serve.js'
import { serviceOption } from '../services.js'
import { endpointOptions, exposeOptions } from '../specs.js'

/** Exposes an HTTP service. */
export const http: Command = {
  name: 'http',
  summary: 'Expose a web server to peers.',
  description:
    'Prints its ticket. Peers reach it with browse, http-bridge or the library. The header fastn-peer gives the server the ID52 of the peer. Runs until Ctrl-C; requests then have 5 s.',
  arguments: [{ name: 'TARGET', help: 'PORT of 127.0.0.1, HOST:PORT, a URL without a path, or unix:PATH.' }],
  options: {
    ...exposeOptions,
    ...serviceOption,
    host: { help: 'Host of the target, if it is a port. Default: 127.0.0.1.', value: 'HOST' },
    'host-header': {
      help: 'Host header for the server: client, target or a name. Default: client; with https, target.',
      value: 'HOST'
    },
    ...qrOption,
    ...endpointOptions
  },
  examples: [
    ['fastn-net http 3000 --allow ID52 --key my.key', 'A web app, for one peer, always under the same ID52.'],
    ['fastn-net http https://intranet.example --service intranet --allow ID52', 'A site that this machine can reach.'],
    ['fastn-net http 5173 --public --host-header target', 'A server that accepts only its own name.']
  ],
  async run(context) {
    const { args } = context
    const target = targetOf(args.required(0), args.text('host'))
    const settings = { service: args.text('service'), hostHeader: args.text('host-header') }
    const start = (allow: readonly string[] | 'public') => exposingHttp(target, { ...settings, allow })
    await expose(context, start, 'To open it: fastn-net browse TICKET')
    return undefined
  }
}
