// Effects of a shutdown on streams and their handlers.
import test from 'ava'
import { Graceful, getEndpoint, type PeerAddress, type PeerStream, SecretKey } from 'fastn-net'
import { Echo, pair, turn } from '../helpers/pair.js'
import { clean } from '../helpers/report.js'

test('during a shutdown, new streams are refused, running ones continue, and handlers may open streams', async t => {
  const graceful = new Graceful()
  await using clients = await pair()
  const { client, server: third } = clients
  const server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const answering = third.listen([[Echo, async stream => stream.finish(`${await stream.nextString()} indeed\n`)]])
  const listener = server.listen(
    [
      [
        Echo,
        async stream => {
          const line = await stream.nextString()
          await using question = await server.getStream(third.address(), Echo)
          await question.finish(`${line}\n`)
          await stream.write(`${await question.nextString()}\n`)
        }
      ]
    ],
    { signal: graceful.cancelled }
  )
  const address = server.address()
  const running = await client.getStream(address, Echo)
  const { closed } = running.connection
  await turn()
  const ending = graceful.shutdown({ timeout: 60_000 })
  await t.throwsAsync(client.getStream(address, Echo), { code: 'ERR_SHUTTING_DOWN' })
  await t.throwsAsync(client.getStream(address, 'Tcp'), { code: 'ERR_SHUTTING_DOWN' })
  t.throws(() => server.acceptBi('Tcp'), { code: 'ERR_SHUTTING_DOWN' })
  t.throws(() => server.accept(), { code: 'ERR_SHUTTING_DOWN' })
  await using stranger = await getEndpoint(SecretKey.generate(), { network: 'loopback', openTimeout: 3000 })
  await t.throwsAsync(stranger.getStream(address, Echo), { code: 'ERR_SHUTTING_DOWN' })
  await running.finish('still there\n')
  t.is(await running.nextString(), 'still there indeed')
  t.is(await running.read(), null)
  t.deepEqual(await ending, clean)
  const { code, by } = await closed
  t.deepEqual({ code, by }, { code: 0x103, by: 'peer' })
  await listener.closed
  await third.close()
  await answering
})

test('streams acknowledged before the shutdown are still yielded, then the loop ends', async t => {
  const graceful = new Graceful()
  await using clients = await pair()
  const { client } = clients
  const server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const streams = server.acceptBi(Echo, { signal: graceful.cancelled })
  const asking = await Promise.all(['one', 'two'].map(() => client.getStream(server.address(), Echo)))
  for (const stream of asking) await stream.finish('hello\n')
  const ending = graceful.shutdown({ timeout: 60_000 })
  for await (const stream of streams) {
    // Longer than the shutdown's polling interval; the second stream is queued during it.
    await new Promise(resolve => setTimeout(resolve, 100))
    await stream.finish(`${await stream.nextString()}\n`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  for (const stream of asking) t.is(await stream.nextString(), 'hello')
  t.deepEqual(await ending, clean)
})

test('open streams of peers are reported by protocol and cut off', async t => {
  const graceful = new Graceful()
  await using clients = await pair()
  const { client } = clients
  const server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const kept: PeerStream[] = []
  const incoming = server.acceptBi([Echo, 'Tcp'])
  for (const protocol of [Echo, 'Tcp', Echo] as const) {
    kept.push(await client.getStream(server.address(), protocol))
    const { value: stream } = await incoming.next()
    kept.push(stream!)
  }
  const reading = t.throwsAsync(kept[0]!.read(), { code: 'ERR_CONNECTION_LOST' })
  const report = await graceful.shutdown({ timeout: 1000 })
  t.deepEqual([report.clean, report.unfinished, report.openStreams], [false, 0, 3])
  const byProtocol = report.streams.map(({ protocol, count }) => `${count} ${JSON.stringify(protocol)}`)
  t.deepEqual(byProtocol.sort(), ['1 "Tcp"', `2 ${JSON.stringify(Echo)}`])
  await reading
})

test('a handler that does not end is reported, and listen ends', async t => {
  const graceful = new Graceful()
  await using clients = await pair()
  const server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const listener = server.listen([[Echo, () => new Promise(() => {})]], { signal: graceful.cancelled })
  const stream = await clients.client.getStream(server.address(), Echo)
  const { work, openStreams } = await graceful.shutdown({ timeout: 1000 })
  t.deepEqual([work, openStreams], [[{ name: 'listen', count: 1 }], 1])
  await listener.closed
  await t.throwsAsync(stream.read(), { code: 'ERR_CONNECTION_LOST' })
})

test('drain refuses new streams until the endpoint is closed', async t => {
  await using peers = await pair()
  const { client, server } = peers
  let go = () => {}
  const may = new Promise<void>(resolve => {
    go = resolve
  })
  const listener = server.listen([
    [
      Echo,
      async stream => {
        await may
        await stream.write('done\n')
      }
    ]
  ])
  const stream = await client.getStream(server.address(), Echo)
  await turn()
  server.drain()
  await t.throwsAsync(client.getStream(server.address(), Echo), { code: 'ERR_SHUTTING_DOWN' })
  go()
  t.is(await stream.nextString(), 'done')
  await stream.finish()
  await listener.closed
})

test('an endpoint may be closed in its own handler and while it dials', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const listener = server.listen([
    [
      Echo,
      async stream => {
        await stream.finish('bye\n')
        t.is(await server.close(), 0)
      }
    ]
  ])
  const stream = await client.getStream(server.address(), Echo)
  t.is(await stream.nextString(), 'bye')
  await listener.closed
  const nobody = { id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }
  const dialling = t.throwsAsync(client.getStream(nobody, Echo), { code: 'ERR_CLOSED' })
  await client.close()
  await dialling
})

test('a handler that awaits the close of its endpoint and returns has not failed', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const failures: unknown[] = []
  let result: unknown
  const handler = async (stream: PeerStream) => {
    await stream.nextString()
    result = await server.close()
  }
  const listener = server.listen([[Echo, handler]], { onError: error => failures.push(error) })
  const stream = await client.getStream(server.address(), Echo)
  await stream.write('close\n')
  await t.throwsAsync(stream.read(), { code: 'ERR_CONNECTION_LOST' })
  await listener.closed
  t.is(await server.close(), 0)
  await turn()
  t.is(result, 0)
  t.deepEqual(failures, [])
})

test('an endpoint that leaves its block during a shutdown closes after its running handlers', async t => {
  const graceful = new Graceful()
  await using clients = await pair()
  const { client } = clients
  let finish = () => {}
  const slow = new Promise<void>(resolve => {
    finish = resolve
  })
  let began = () => {}
  const begun = new Promise<void>(resolve => {
    began = resolve
  })
  const serving = async () => {
    await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
    const idle = server.listen({ Idle: () => {} }, { signal: graceful.cancelled })
    server.listen({
      async Slow(stream) {
        began()
        await slow
        await stream.finish('answer\n')
      }
    })
    void answer(server.address())
    // Ends at once in the shutdown, while the other listener's handler still runs.
    await idle.closed
  }
  let answered: Promise<string | null> = Promise.resolve(null)
  const answer = async (address: PeerAddress) => {
    const stream = await client.getStream(address, 'Slow')
    answered = stream.nextString()
  }
  const served = serving()
  await begun
  const report = graceful.shutdown({ timeout: 60_000 })
  await turn()
  finish()
  await served
  t.is(await answered, 'answer')
  t.deepEqual(await report, clean)
})
