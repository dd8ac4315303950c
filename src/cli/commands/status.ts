import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { printable } from '../../util/display.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { CliError, UsageError } from '../failure.js'
import { snapshots } from '../status/programs.js'
import { type Rates, ratesOf } from '../status/rates.js'
import type { PeerStatus, Snapshot } from '../status/snapshot.js'
import { StatusPage } from '../status/web.js'
import { formatSize, formatTime, parsePort } from '../units.js'

/** Time between two samples of a rate. */
const betweenMs = 1_000
/** Maximum requests per service on the terminal. */
const shownRequests = 5

/** Shows the running commands. */
export const status: Command = {
  name: 'status',
  summary: 'Show the running fastn-net commands of this user.',
  description:
    'Shows peers with paths, round-trip times and rates, services with connections, and recent HTTP requests.\n' +
    'Samples twice within a second to measure rates. Exits with 1 if no command runs.\n' +
    '--web serves the same as a live page on 127.0.0.1 until Ctrl-C, and prints its address. Its token is a secret.',
  options: {
    watch: { help: 'Refresh every second, until Ctrl-C.', short: 'w' },
    web: { help: 'Serve a live page.' },
    port: { help: 'Port of the page. Default: a free one.', value: 'PORT' }
  },
  examples: [
    ['fastn-net status', 'Running commands, with rates.'],
    ['fastn-net status --web', 'The same in a browser, with plots.'],
    ['fastn-net status --json | jq -r \'select(.event == "peer") | .path\'', 'Direct, or through a relay?']
  ],
  async run(context) {
    const { args, signal } = context
    const port = args.text('port')
    if (args.has('web')) {
      if (args.has('watch')) throw new UsageError('--web and --watch exclude each other')
      return await serve(context, parsePort(port ?? '0', '--port'))
    }
    if (port !== undefined) throw new UsageError('--port is for --web')
    let earlier = await snapshots()
    do {
      if (earlier.length > 0 || args.has('watch')) await sleep(betweenMs, undefined, { signal })
      const now = await snapshots()
      if (now.length === 0 && !args.has('watch')) {
        throw new CliError('ERR_NOT_RUNNING', 'no running fastn-net command exposes or bridges a service')
      }
      for (const snapshot of now) await print(context, snapshot, earlier)
      earlier = now
    } while (args.has('watch'))
    return undefined
  }
}

/** Serves the page until the command ends. */
async function serve({ output, signal }: Context, port: number): Promise<undefined> {
  const page = await StatusPage.listen(port, snapshots)
  try {
    await output.result(page.url, { event: 'ready', url: page.url })
    output.hint('Open it in a local browser. Ctrl-C ends it.')
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    page.close()
  }
}

async function print({ output }: Context, now: Snapshot, earlier: readonly Snapshot[]): Promise<void> {
  const { pid, command, id52, version, started, time, services, peers, peersTotal, identities = [] } = now
  const seconds = Math.round((time - started) / 1000)
  await output.result(`${command} (${pid}), for ${formatTime(seconds)}, ID52 ${id52}`, {
    event: 'process',
    pid,
    command,
    id52,
    version,
    seconds,
    services: services.length,
    peers: peersTotal
  })
  for (const identity of identities) {
    const { name, kind, running, peers: connected } = identity
    const line = `  identity ${identity.id52}, ${name ?? kind}, ${running ? `online, ${connected} peers` : 'offline'}`
    await output.result(line, { event: 'identity', pid, ...identity })
  }
  for (const { requests = [], ...service } of services) {
    const { name, kind, address, connections } = service
    const line = `  service ${name === kind ? '' : `${name}, `}${kind} ${printable(address)}, ${connections} in progress`
    await output.result(line, { event: 'service', pid, ...service })
    for (const request of output.json ? requests : requests.slice(0, shownRequests)) {
      const { method, path, status, ms, peer } = request
      const text = `    ${method} ${printable(path)} ${status}, ${ms} ms, for ${peer}`
      await output.result(text, { event: 'request', pid, service: name, ...request })
    }
  }
  for (const peer of peers) {
    const rates = ratesOf(peer, now, earlier)
    await output.result(`  peer ${peer.peer}, ${peerText(peer, rates)}`, { event: 'peer', pid, ...peer, ...rates })
  }
}

function peerText(peer: PeerStatus, { sendRate, receiveRate }: Rates): string {
  const { path, address, rtt, state, error, bytesSent, bytesReceived, streams } = peer
  if (path === null) return error === null ? state : `${state}: ${printable(error)}`
  const rate = (bytes: number | null) => (bytes === null ? '' : ` at ${formatSize(bytes)}/s`)
  return [
    `${path} ${address}`,
    ...(rtt === null ? [] : [`${rtt.toFixed(1)} ms`]),
    `sent ${formatSize(bytesSent)}${rate(sendRate)}`,
    `received ${formatSize(bytesReceived)}${rate(receiveRate)}`,
    `${streams} streams`
  ].join(', ')
}
