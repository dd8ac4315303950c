// Endpoints of the server with access lists and authorization.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Authorize, type Endpoint, type Graceful, getEndpoint, Protocol, SecretKey } from 'fastn-net'
import { Denied, Late, Slow } from './protocols.js'

/** How an endpoint answers authorization requests about a peer. The peer knows it too. */
export type Answer = 'at once' | 'slowly' | 'no' | 'too late'

export function answerAbout(id52: string): Answer {
  const answers = ['at once', 'slowly', 'no', 'too late'] as const
  return answers[id52.charCodeAt(0) % 4] as Answer
}

const defaultTimeout = 5000

const authorize: Authorize = {
  peer: id52 => answer(answerAbout(id52)),
  stream(_, protocol) {
    if (Protocol.equals(protocol, Slow)) return answer('slowly')
    if (Protocol.equals(protocol, Late)) return answer('too late')
    return Protocol.equals(protocol, Denied) ? deny() : true
  },
  // Fewer than one peer requests at a time: some are refused as busy.
  maxPendingPerPeer: 16,
  onError: () => {}
}

function answer(about: Answer): boolean | Promise<boolean> {
  if (about === 'slowly') return sleep(50 * Math.random(), true)
  if (about === 'too late') return sleep(defaultTimeout + 1000, true)
  return about === 'at once'
}

function deny(): boolean | Promise<boolean> {
  const way = Math.random()
  if (way < 0.25) throw new Error('no')
  if (way < 0.5) return Promise.reject(new Error('no'))
  return way < 0.75 ? sleep(20 * Math.random(), false) : false
}

/** An endpoint with authorization callbacks for each peer and each stream. */
export async function openAuthorizing(graceful: Graceful): Promise<Endpoint> {
  return await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful, authorize })
}

/** An endpoint with lists that change until `end`: every list admits `always`, half of them `sometimes`. */
export async function openListed(
  graceful: Graceful,
  { always, sometimes }: { always: string; sometimes: string },
  end: AbortSignal
): Promise<Endpoint> {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const { access } = endpoint
  const others = Array.from({ length: 100 }, () => SecretKey.generate().publicKey)
  const changes = [
    () => access.deny([...others, sometimes]),
    () => access.allow(sometimes),
    () => access.set({ allow: [always, ...others], deny: [] }),
    () => access.allow([sometimes]),
    () => access.set({ deny: [sometimes] }),
    () => access.set({ allow: null, deny: others })
  ]
  void (async () => {
    for (let at = 0; !end.aborted; at++) {
      changes[at % changes.length]?.()
      await sleep(300 * Math.random())
    }
  })()
  return endpoint
}
