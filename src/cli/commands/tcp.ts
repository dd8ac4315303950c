import { exposing, targetOf } from '../../rig/services/index.js'
import { qrOption } from '../announce.js'
import type { Command } from '../command.js'
import { expose } from '../serve.js'
import { serviceOption, serviceWords } from '../services.js'
import { endpointOptions, exposeOptions } from '../specs.js'

/** Exposes a TCP service. */
export const tcp: Command = {
  name: 'tcp',
  summary: 'Expose a TCP service or a Unix socket to peers.',
  description:
    'Prints its ticket. Peers reach the service with tcp-bridge or pipe. Runs until Ctrl-C; connections then have 5 s.',
  arguments: [{ name: 'TARGET', help: 'PORT of 127.0.0.1, HOST:PORT or unix:PATH.' }],
  options: {
    ...exposeOptions,
    ...serviceOption,
    host: { help: 'Host of the target, if it is a port. Default: 127.0.0.1.', value: 'HOST' },
    ...qrOption,
    ...endpointOptions
  },
  examples: [
    ['fastn-net tcp 22 --allow ID52 --key my.key', 'ssh, for one peer, always under the same ID52.'],
    ['fastn-net tcp localhost:5432 --service database --allow ID52', 'A named service.'],
    ['fastn-net tcp unix:/run/app.sock --public', 'A Unix socket, for every peer that has the ticket.']
  ],
  async run(context) {
    const { args } = context
    const target = targetOf(args.required(0), args.text('host'))
    const service = args.text('service')
    const start = (allow: readonly string[] | 'public') => exposing('tcp', target, { allow, service })
    await expose(context, start, `To reach it: fastn-net tcp-bridge TICKET PORT${serviceWords(service)}`)
    return undefined
  }
}
