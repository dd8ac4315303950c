import {
  type CreateEndpointOptions,
  createEndpoint,
  type Endpoint,
  type EndpointOptions,
  type Network
} from '../index.js'
import type { Context } from './context.js'
import { UsageError } from './failure.js'
import { keyOrNew } from './keys.js'
import { parseTime } from './units.js'
import { showTunnelWarnings } from './warnings.js'

/** Opens an endpoint from the common options and `more`, runs `use` with it, and always closes it. */
export async function withEndpoint<Result>(
  context: Context,
  use: (endpoint: Endpoint) => Promise<Result>,
  more: CreateEndpointOptions = {}
): Promise<Result> {
  const { args, signal } = context
  const options = { ...endpointOptionsOf(context), ...more }
  const key = more.key ?? (await keyOrNew(args.text('key'), args.has('malai'), signal))
  signal.throwIfAborted()
  showTunnelWarnings(context)
  const endpoint = await createEndpoint({ closeOnExit: true, signal, ...options, key })
  try {
    return await use(endpoint)
  } finally {
    await endpoint.close()
  }
}

function endpointOptionsOf({ args }: Context): EndpointOptions {
  const network = networkOf(args.text('network'), args.list('relay'))
  const time = args.text('timeout')
  const timeout = time === undefined ? undefined : parseTime(time, '--timeout')
  return {
    ...(network !== undefined && { network }),
    ...(args.has('malai') && { kulfi: true }),
    ...(timeout !== undefined && { openTimeout: timeout })
  }
}

/** The network of the options `--network` and `--relay`. */
export function networkOf(name: string | undefined, relays: readonly string[]): Network | undefined {
  if (relays.length === 0) return name as Network | undefined
  if (name !== undefined && name !== 'internet') {
    throw new UsageError(`--relay works on the internet only, not with --network ${name}`)
  }
  for (const relay of relays) {
    const url = URL.canParse(relay) ? new URL(relay) : undefined
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      throw new UsageError(`--relay must be a URL such as https://relay.example.com, not '${relay}'`)
    }
  }
  return { relays, mdns: true, portMapping: true }
}

/** The admitted peers, as an option of the endpoint. */
export function accessOf({ args }: Context): EndpointOptions {
  const allow = args.list('allow')
  if (args.has('public')) {
    if (allow.length > 0) throw new UsageError('--allow and --public exclude each other')
    return {}
  }
  if (allow.length === 0) {
    throw new UsageError('who may connect? Name each peer with --allow PEER, or admit every peer with --public')
  }
  return { allow }
}
