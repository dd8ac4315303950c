import type { ExecutionContext } from 'ava'
import {
  type CustomNetwork,
  type Endpoint,
  type EndpointOptions,
  getEndpoint,
  type PeerStream,
  SecretKey
} from 'fastn-net'
import { Echo, pattern, readAll } from '../../helpers/pair.js'

/** Local addresses. Endpoints bound to different ones reach each other only through a relay. */
export const bound = { four: ['127.0.0.1:0'], six: ['[::1]:0'] } as const

/** Creates an endpoint that closes with its test. */
export async function open(
  t: ExecutionContext,
  network: CustomNetwork,
  { key = SecretKey.generate(), ...options }: EndpointOptions & { key?: SecretKey } = {}
): Promise<Endpoint> {
  const endpoint = await getEndpoint(key, { network, ...options })
  t.teardown(() => endpoint.close())
  return endpoint
}

/** Creates an endpoint that also echoes. */
export async function openEcho(...given: Parameters<typeof open>): Promise<Endpoint> {
  const endpoint = await open(...given)
  endpoint.listen([[Echo, echo]], { onError: () => {} })
  return endpoint
}

async function echo(stream: PeerStream): Promise<void> {
  for await (const chunk of stream) await stream.write(chunk)
}

/** Sends more than a receive window, and fails unless all of it is echoed. */
export async function exchange(t: ExecutionContext, stream: PeerStream): Promise<void> {
  const bytes = pattern(512 * 1024)
  const sending = stream.write(bytes).then(() => stream.finish())
  const [back] = await Promise.all([readAll(stream), sending])
  t.true(back.equals(bytes))
}

/** Paths of an endpoint's connections with its only peer. */
export function pathsOf(endpoint: Endpoint) {
  const [peer] = endpoint.peers()
  return peer?.connections.flatMap(({ paths }) => paths) ?? []
}
