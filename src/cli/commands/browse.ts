import { bridgingHttp } from '../../rig/services/index.js'
import { printable } from '../../util/display.js'
import type { Command } from '../command.js'
import { withEndpoint } from '../endpoint.js'
import { UsageError } from '../failure.js'
import { openInBrowser } from '../open.js'
import { checkedByLibrary, serviceOption } from '../services.js'
import { endpointOptions } from '../specs.js'
import { parsePort } from '../units.js'

/** Opens a peer's web server in the browser. */
export const browse: Command = {
  name: 'browse',
  summary: "Open a peer's web server in the browser.",
  description:
    'Listens on a local port for this peer only, prints the URL, and opens it in the default browser. Runs until Ctrl-C.',
  arguments: [
    { name: 'PEER', help: 'Ticket or ID52 of the peer that runs http or folder.' },
    { name: 'PATH', help: 'Path to open, such as /docs. Default: /.', optional: true }
  ],
  options: {
    ...serviceOption,
    port: { help: 'Local port. Default: a free one.', value: 'PORT' },
    'no-open': { help: 'Only print the URL.' },
    ...endpointOptions
  },
  examples: [
    ['fastn-net browse TICKET', 'The web server of a peer that runs: fastn-net http 3000'],
    ['fastn-net browse ID52 /docs --service wiki --no-open', 'Prints the URL of a page.']
  ],
  async run(context) {
    const { args, output, signal } = context
    const [peer, service, path = '/'] = [args.required(0), args.text('service'), args.positionals[1]]
    const port = parsePort(args.text('port') ?? '0', '--port')
    checkPath(path)
    await withEndpoint(context, async endpoint => {
      const bridge = await checkedByLibrary(bridgingHttp({ peer, service, port })(endpoint, signal))
      const { href } = new URL(path, `http://localhost:${bridge.port}/`)
      await output.result(href, { event: 'ready', url: href, port: bridge.port })
      if (!args.has('no-open') && !(await openInBrowser(href)))
        output.hint('Cannot start a browser: open the URL yourself.')
      await bridge.closed
    })
    return undefined
  }
}

/** Rejects a full URL, which would open a different site. */
function checkPath(path: string): void {
  const origin = 'http://localhost'
  if (URL.canParse(path, origin) && new URL(path, origin).origin === origin && !path.startsWith('//')) return
  throw new UsageError(`PATH must be a path such as /docs, not '${printable(path)}'`)
}
