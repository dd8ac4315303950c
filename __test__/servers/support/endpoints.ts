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

/** Of two that are bound to different ones of these, neither reaches the other but through a relay. */
export const bound = { four: ['127.0.0.1:0'], six: ['[::1]:0'] } as const

/** An endpoint that is closed with its test. */
export async function open(
  t: ExecutionContext,
  network: CustomNetwork,
  { key = SecretKey.generate(), ...options }: EndpointOptions & { key?: SecretKey } = {}
): Promise<Endpoint> {
  const endpoint = await getEndpoint(key, { network, ...options })
  t.teardown(() => endpoint.close())
  return endpoint
}

/** One that sends back what comes, too. */
export async function openEcho(...given: Parameters<typeof open>): Promise<Endpoint> {
  const endpoint = await open(...given)
  void endpoint.listen([[Echo, echo]], { onError: () => {} })
  return endpoint
}

async function echo(stream: PeerStream): Promise<void> {
  for await (const chunk of stream) await stream.write(chunk)
}

/** Sends more than one window holds, and fails unless all of it comes back. */
export async function exchange(t: ExecutionContext, stream: PeerStream): Promise<void> {
  const bytes = pattern(512 * 1024)
  const sending = stream.write(bytes).then(() => stream.finish())
  const [back] = await Promise.all([readAll(stream), sending])
  t.true(back.equals(bytes))
}

/** The paths of its connections with its only peer. */
export function pathsOf(endpoint: Endpoint) {
  const [peer] = endpoint.peers()
  return peer?.connections.flatMap(({ paths }) => paths) ?? []
}
