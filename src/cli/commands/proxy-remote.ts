import { exposingProxy } from '../../rig/services/index.js'
import { qrOption } from '../announce.js'
import type { Command } from '../command.js'
import { UsageError } from '../failure.js'
import { expose } from '../serve.js'
import { serviceOption, serviceWords } from '../services.js'
import { endpointOptions, exposeOptions } from '../specs.js'

/** Exposes a proxy. */
export const proxyRemote: Command = {
  name: 'proxy-remote',
  summary: 'Let peers reach chosen destinations from this machine.',
  description:
    'Prints its ticket. Peers use it with proxy and socks5. RULE is a host (example.com, *.example.com, * for all), an address or a range ' +
    '(10.0.0.0/8), or HOST@RANGE, each with an optional :PORT or :PORT-PORT. Hosts are reached at public addresses only; ' +
    'private and local addresses need a range. Runs until Ctrl-C; connections then have 5 s.',
  options: {
    target: { help: 'Allow this destination. Required.', value: 'RULE', multiple: true, short: 't' },
    ...exposeOptions,
    ...serviceOption,
    ...qrOption,
    ...endpointOptions
  },
  examples: [
    ["fastn-net proxy-remote --target '*' --allow ID52", 'The internet without local networks, for one peer.'],
    [
      'fastn-net proxy-remote -t 192.168.1.0/24 -t localhost@127.0.0.0/8:8080 --allow ID52',
      'A network, and a local port.'
    ]
  ],
  async run(context) {
    const { args } = context
    if (!args.has('target')) throw new UsageError('what may peers reach? Name each destination with --target RULE')
    const settings = { targets: args.list('target'), service: args.text('service') }
    const start = (allow: readonly string[] | 'public') => exposingProxy({ ...settings, allow })
    const words = serviceWords(settings.service)
    await expose(context, start, `To use it: fastn-net proxy TICKET PORT${words}, or socks5`)
    return undefined
  }
}
