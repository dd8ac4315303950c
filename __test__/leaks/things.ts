// The things that are opened and ended, one round at a time.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Connection, createEndpoint, type Endpoint, type Items } from 'fastn-net'
import type { Manner, ThingName } from './cases.js'

export interface Thing {
  /** Opens `count` and closes them, or leaves them open. Returns all their objects, with no other reference to them. */
  round(count: number): Promise<readonly unknown[]>
  /** Ends the owner of those that were left open. The next round has another owner. */
  end(): Promise<void>
  /** Whether things without a handle have ended too. */
  isIdle(): boolean
  /** Collecting the objects ends nothing: the owner keeps the thing for the next one. */
  readonly endsOnlyWithOwner?: boolean
  /** A closed object may keep its handle until it is collected, because it still answers questions. */
  readonly keepsHandle?: boolean
}

const many = {
  maxStreams: 20_000,
  maxStreamsPerPeer: 20_000,
  maxQueuedStreams: 20_000,
  maxQueuedStreamsPerPeer: 20_000
}
const options = { network: 'loopback', closeTimeout: 500, ...many } as const

/** `size`: upper limit of a round. */
export const things: Record<ThingName, (manner: Manner, size: number) => Thing> = {
  streams: ({ closes }) =>
    owned(
      async () => {
        const [client, server] = await Promise.all([createEndpoint(options), createEndpoint(options)])
        return { ends: [client, server], client, server, incoming: server.acceptBi('Echo') }
      },
      async ({ client, server, incoming }, count) => {
        const one = async () => {
          const [mine, { value: theirs }] = await Promise.all([
            client.getStream(server.address(), 'Echo'),
            incoming.next()
          ])
          await mine.write('a line\n')
          // Streams arrive in the order of their acknowledgements, so this may be the other end of another one.
          await theirs!.write(`${await theirs!.nextString()}\n`)
          if ((await mine.nextString()) !== 'a line') throw new Error('not answered')
          if (closes) {
            await Promise.all([mine, theirs!].map(each => each.finish()))
            // Read to the end: a stream with an unread end keeps its handle to report it.
            await Promise.all([mine, theirs!].flatMap(each => [each.closed, each.bytes()]))
          }
          return [mine, theirs]
        }
        return (await inTurn(count, 100, one)).flat()
      }
    ),

  requests: ({ closes }) => ({
    // The end of the stream, after the body.
    keepsHandle: true,
    ...owned(
      async () => {
        const [client, server] = await Promise.all([createEndpoint(options), createEndpoint(options)])
        const limits = { maxRequestsPerPeer: 20_000, onError: () => {} }
        server.serve('double', (value: number) => value * 2, limits)
        server.serve(
          'numbers',
          async function* (most: number, { signal }) {
            for (let at = 0; at < most; at++) yield at
            if (most === 1) await aborted(signal)
          },
          limits
        )
        server.serveHttp(request => {
          const body = new ReadableStream({
            async start(controller) {
              controller.enqueue(new Uint8Array(1_000))
              if (request.url.endsWith('/slow')) await aborted(request.signal)
              controller.close()
            }
          })
          return new Response(body)
        })
        return { ends: [client, server], client, peer: server.address() }
      },
      async ({ client, peer }, count) => {
        const call = async () => ({ answer: await client.call(peer, 'double', 2, { timeout: 120_000 }) })
        const items = async () => {
          const items = await client.call<Items<number>>(peer, 'numbers', closes ? 3 : 1)
          await items.next()
          if (closes) for await (const _ of items);
          return items
        }
        const fetch = async () => {
          const response = await client.fetch(peer, closes ? '/' : '/slow')
          if (closes) await response.arrayBuffer()
          return response
        }
        // A call for one value leaves nothing open.
        const kinds = closes ? [call, items, fetch] : [items, fetch]
        return await inTurn(count, 50, async at => await kinds[at % kinds.length]!())
      }
    )
  }),

  connections: ({ closes }, size) => ({
    ...owned(
      async () => {
        const server = await createEndpoint(options)
        const clients = await inTurn(size, 4, () => createEndpoint(options))
        const arrived = new Map<string, (connection: Connection) => void>()
        void (async () => {
          for await (const connection of server.accept()) arrived.get(connection.remoteId52)?.(connection)
        })()
        return { ends: [server, ...clients], server, clients, arrived }
      },
      async ({ server, clients, arrived }, count) => {
        const one = async (at: number) => {
          const client = clients[at]!
          // Not the next arrival: a connection that is closed before the server has it never arrives.
          const arrival = new Promise<Connection>(resolve => arrived.set(client.id52, resolve))
          const [mine, theirs] = await Promise.all([client.connect(server.address()), arrival])
          arrived.delete(client.id52)
          if (closes) {
            mine.close(0, 'enough')
            await Promise.all([mine, theirs].flatMap(each => [each.closed, each[Symbol.asyncDispose]()]))
          }
          return [mine, theirs]
        }
        return (await inTurn(count, 10, one)).flat()
      },
      isUnconnected
    ),
    endsOnlyWithOwner: true,
    keepsHandle: true
  }),

  endpoints: ({ closes, holds }) =>
    closes || !holds
      ? {
          keepsHandle: true,
          ...owned(
            async () => {
              const server = await createEndpoint(options)
              server.serve('double', (value: number) => value * 2)
              return { ends: [server], peer: server.address() }
            },
            async ({ peer }, count) =>
              await inTurn(count, 4, async () => {
                const endpoint = await createEndpoint(options)
                await endpoint.call(peer, 'double', 2, { timeout: 120_000 })
                if (closes) await endpoint.close()
                return endpoint
              }),
            isUnconnected
          )
        }
      : workers('endpoints', true),

  workers: ({ closes, holds }) => workers(closes ? 'close' : 'leave', !closes && holds)
}

/** `isTerminated`: terminated from outside, with calls pending. */
function workers(what: 'close' | 'leave' | 'endpoints', isTerminated: boolean): Thing {
  let running: Worker[] = []
  return {
    async round(count) {
      const started = await inTurn(what === 'endpoints' ? 1 : count, 4, async () => {
        const workerData = { what: isTerminated && what === 'leave' ? 'wait' : what, count }
        const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData })
        const failed = once(worker, 'error').then(([error]) => Promise.reject(error))
        failed.catch(() => {})
        await Promise.race([once(worker, isTerminated ? 'message' : 'exit'), failed])
        return worker
      })
      if (isTerminated) running = started
      return what === 'endpoints' ? Array.from({ length: count }, () => started[0]) : started
    },
    async end() {
      await Promise.all(running.map(worker => worker.terminate()))
      running = []
    },
    isIdle: () => true
  }
}

/** A thing whose owners are endpoints, created on demand. */
function owned<Owner extends { readonly ends: Endpoint[] }>(
  make: () => Promise<Owner>,
  round: (owner: Owner, count: number) => Promise<readonly unknown[]>,
  isIdle: (ends: readonly Endpoint[]) => boolean = () => true
): Thing {
  let owner: Owner | undefined
  return {
    async round(count) {
      owner ??= await make()
      return await round(owner, count)
    },
    async end() {
      const ends = owner?.ends ?? []
      owner = undefined
      await Promise.all(ends.map(end => end.close()))
    },
    isIdle: () => owner === undefined || isIdle(owner.ends)
  }
}

function isUnconnected(ends: readonly Endpoint[]): boolean {
  return ends.every(end => end.peers().every(peer => peer.state !== 'connected'))
}

/** Calls `one` `count` times, `width` of them concurrently. */
async function inTurn<Value>(count: number, width: number, one: (at: number) => Promise<Value>): Promise<Value[]> {
  const values: Value[] = []
  let next = 0
  const lane = async () => {
    while (next < count) values.push(await one(next++))
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane))
  return values
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
