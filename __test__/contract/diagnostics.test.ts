// Tracing channels, as a subscriber sees them. They are shared by the process, so the tests are serial.
import { AsyncLocalStorage } from 'node:async_hooks'
import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel'
import test from 'ava'
import {
  type Connection,
  type ConnectMessage,
  isFastnNetError,
  PeerStream,
  type RequestMessage,
  SecretKey,
  type StreamMessage
} from 'fastn-net'
import { Echo, pair, readAll } from '../helpers/pair.js'

const steps = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

/** Subscribes to a channel while `run` runs, and returns the published messages in order. */
async function watch<Message extends object>(name: string, run: () => Promise<unknown>): Promise<[string, Message][]> {
  const seen: [string, Message][] = []
  const channel = tracingChannel<unknown, Message>(`fastn-net:${name}`)
  const take = (step: string) => (message: Message) => void seen.push([step, message])
  const subscribers = Object.fromEntries(
    steps.map(step => [step, take(step)])
  ) as unknown as TracingChannelSubscribers<Message>
  channel.subscribe(subscribers)
  try {
    await run()
  } finally {
    channel.unsubscribe(subscribers)
  }
  return seen
}

test.serial('connect is published from start to end', async t => {
  await using peers = await pair()
  const serving = peers.server.acceptBi(Echo)
  const { client, server } = peers
  let connection: Connection | undefined
  const seen = await watch<ConnectMessage>('connect', async () => {
    connection = await client.connect(server.address())
  })
  t.deepEqual(
    seen.map(([step]) => step),
    ['start', 'end', 'asyncStart', 'asyncEnd']
  )
  const message = seen[0]?.[1] as ConnectMessage
  t.true(seen.every(each => each[1] === message))
  t.is(message.endpoint, client.id52)
  t.is(message.peer, server.id52)
  t.is(message.result, connection)
  await serving.return()
})

test.serial('a failed connect is published with its error, and rejects', async t => {
  await using peers = await pair()
  const nobody = { id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }
  let error: unknown
  const seen = await watch<ConnectMessage>('connect', async () => {
    error = await peers.client.connect(nobody, { timeout: 200 }).catch((error: unknown) => error)
  })
  t.deepEqual(
    seen.map(([step]) => step),
    ['start', 'end', 'error', 'asyncStart', 'asyncEnd']
  )
  t.like(error as object, { code: 'ERR_UNREACHABLE' })
  t.is(seen[0]?.[1].error, error)
})

test.serial('getStream publishes a connect only without a connection', async t => {
  await using peers = await pair()
  const dials = await watch<ConnectMessage>('connect', async () => {
    await peers.stream()
    await peers.stream()
  })
  t.deepEqual(
    dials.map(([step]) => step),
    ['start', 'end', 'asyncStart', 'asyncEnd']
  )
  t.is(dials[0]?.[1].peer, peers.server.id52)
  // The result of an operation is not published.
  t.is(dials[0]?.[1].result, undefined)
})

test.serial('a stream is published by its opener and by its handler', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const seen = await watch<StreamMessage>('stream', async () => {
    server.listen([[Echo, async stream => stream.finish(`${await stream.nextString()}\n`)]])
    const stream = await client.getStream(server.address(), Echo)
    await stream.finish('hello\n')
    t.is((await readAll(stream)).toString(), 'hello\n')
    await server.close()
  })
  for (const [direction, endpoint, peer] of [
    ['out', client, server],
    ['in', server, client]
  ] as const) {
    const own = seen.filter(([, message]) => message.direction === direction)
    t.deepEqual(
      own.map(([step]) => step),
      ['start', 'end', 'asyncStart', 'asyncEnd'],
      direction
    )
    const message = own[0]?.[1] as StreamMessage
    t.is(message.endpoint, endpoint.id52)
    t.is(message.peer, peer.id52)
    t.deepEqual(message.protocol, Echo)
    t.true(message.stream instanceof PeerStream)
  }
})

test.serial('a failed handler and a refused stream are published with their errors', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const failure = new Error('as planned')
  const fail = () => Promise.reject(failure)
  const seen = await watch<StreamMessage>('stream', async () => {
    server.listen([[Echo, fail]], { onError: () => {} })
    // The reset may overtake the ack, which this test does not await.
    const stream = await client.getStream(server.address(), Echo, { ack: 'later' })
    await t.throwsAsync(stream.read(), { code: 'ERR_STREAM_RESET' })
    await t.throwsAsync(client.getStream(server.id52, 'Http'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
  })
  const errors = seen.filter(([step]) => step === 'error').map(([, message]) => message)
  t.is(errors.find(({ direction }) => direction === 'in')?.error, failure)
  t.like(errors.find(({ direction }) => direction === 'out')?.error as object, { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test.serial('a store bound to the channel is available in the handler', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const storage = new AsyncLocalStorage<string>()
  const channel = tracingChannel<string, StreamMessage>('fastn-net:stream')
  channel.start.bindStore(storage, message => message.direction)
  server.listen([[Echo, async stream => stream.finish(`${storage.getStore()}\n`)]])
  const stream = await client.getStream(server.address(), Echo)
  await stream.finish()
  channel.start.unbindStore(storage)
  t.is((await readAll(stream)).toString(), 'in\n')
})

test.serial('openBi publishes a stream, not a connect', async t => {
  await using peers = await pair()
  const [stream] = await peers.stream()
  const connects = await watch<ConnectMessage>('connect', async () => {
    const streams = await watch<StreamMessage>('stream', () => stream.connection.openBi(Echo))
    t.deepEqual(
      streams.map(([step]) => step),
      ['start', 'end', 'asyncStart', 'asyncEnd']
    )
  })
  t.deepEqual(connects, [])
})

test.serial('request is published by the caller and by the server', async t => {
  await using peers = await pair()
  const { client, server } = peers
  server.serve('add', (value: number) => {
    if (value < 0) throw new RangeError('negative')
    return value + 1
  })
  const seen = await watch<RequestMessage>('request', async () => {
    t.is(await client.call(server.address(), 'add', 1), 2)
    await t.throwsAsync(client.call(server.address(), 'add', -1))
  })
  const of = (direction: 'in' | 'out') => seen.filter(([, message]) => message.direction === direction)
  for (const direction of ['in', 'out'] as const) {
    const events = of(direction)
    t.deepEqual(
      events.map(([step]) => step),
      ['start', 'end', 'asyncStart', 'asyncEnd', 'start', 'end', 'error', 'asyncStart', 'asyncEnd'],
      direction
    )
    const [endpoint, peer] = direction === 'out' ? [client.id52, server.id52] : [server.id52, client.id52]
    t.like(events[0]?.[1], { endpoint, peer, protocol: 'add', result: 2 })
    const [, failed] = events[4] as [string, RequestMessage]
    t.is(isFastnNetError(failed.error, 'ERR_REMOTE'), direction === 'out')
  }
})
