// Any string is a protocol: the name of a unit protocol means that protocol, any other string a Generic.
import { inspect } from 'node:util'
import test from 'ava'
import { Protocol } from 'fastn-net'
import { pair } from '../helpers/pair.js'

const invalid = { code: 'ERR_INVALID_ARGUMENT' }
const names = [
  'Echo',
  'http',
  '',
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'a "quoted" name',
  '日本',
  'x'.repeat(2000)
]

for (const name of names) {
  test(`any string is a protocol on both sides: ${JSON.stringify(name).slice(0, 30)}`, async t => {
    await using peers = await pair()
    const address = peers.server.address()
    const generic = Protocol.generic(name)
    peers.server.listen(
      Object.fromEntries([[name, (stream: { finish(text: string): unknown }) => stream.finish('by name\n')]])
    )
    for (const asked of [name, generic]) {
      await using stream = await peers.client.getStream(address, asked)
      t.deepEqual(stream.protocol, generic)
      t.is(await stream.nextString(), 'by name')
    }
    // Both mean the same protocol, which has a listener.
    for (const taken of [name, generic]) t.throws(() => peers.server.acceptBi(taken), { code: 'ERR_PROTOCOL_IN_USE' })
  })
}

test('stream.protocol has one normalized form', async t => {
  const asked: unknown[] = []
  await using peers = await pair({ authorize: { stream: (_, protocol) => asked.push(protocol) > 0 } })
  const { client, server } = peers
  const address = server.address()
  const incoming = server.acceptBi(['Echo', 'Http'])
  server.listen({}, { fallback: stream => stream.finish(`${JSON.stringify(stream.protocol)}\n`) })
  for (const [written, seen] of [
    ['Echo', { Generic: 'Echo' }],
    ['Http', 'Http'],
    [Protocol.unit('Http'), 'Http'],
    [Protocol.generic('Echo'), { Generic: 'Echo' }]
  ] as const) {
    await using mine = await client.getStream(address, written)
    const { value: theirs } = await incoming.next()
    t.deepEqual([mine.protocol, theirs?.protocol, asked.pop()], [seen, seen, seen])
  }
  await using other = await client.getStream(address, 'Other')
  t.is(await other.nextString(), '{"Generic":"Other"}')
  await using held = await client.connect(address)
  await using onConnection = await held.openBi('Echo')
  t.deepEqual(onConnection.protocol, { Generic: 'Echo' })
})

test('a Generic with the name of a unit protocol is a different protocol', async t => {
  await using peers = await pair()
  peers.server.listen([
    ['Http', stream => stream.finish('unit\n')],
    [Protocol.generic('Http'), stream => stream.finish('generic\n')]
  ])
  const address = peers.server.address()
  t.is(await (await peers.client.getStream(address, 'Http')).nextString(), 'unit')
  t.is(await (await peers.client.getStream(address, Protocol.generic('Http'))).nextString(), 'generic')
})

test('an invalid protocol is an error that says what to pass', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const handler = () => {}
  const write = /Protocol\.generic\('NAME'\)/
  t.throws(() => server.listen({ Generic: handler } as never), { ...invalid, message: write })
  await t.throwsAsync(client.getStream(server.id52, 'Generic'), { ...invalid, message: write })
  await t.throwsAsync(client.getStream(server.id52, { Generic: handler } as never), { ...invalid, message: /function/ })
  await t.throwsAsync(client.getStream(server.id52, { Echo: null } as never), {
    ...invalid,
    message: /Protocol\.generic/
  })
  t.throws(() => server.listen({ Ping: handler } as never), { ...invalid, message: /Ping.*no handler/ })
  t.throws(() => server.acceptBi('Ping'), { ...invalid, message: /Ping.*no handler/ })
  t.throws(() => Protocol.unit('Echo' as never), { ...invalid, message: /'Http'/ })
  await t.throwsAsync(client.getStream(server.id52, '\ud800'), { ...invalid, message: /surrogate/ })
})

test("control characters in a peer's protocol name are escaped", async t => {
  await using peers = await pair()
  const name = 'bad\u009b31m\u202e\u007f'
  const warned = new Promise<Error>(resolve => process.once('warning', resolve))
  const shown = new Promise<string>(resolve => {
    peers.server.listen(
      {},
      {
        fallback: stream => {
          resolve(inspect(stream))
          throw new Error(`failed at ${JSON.stringify(stream.protocol)}`)
        }
      }
    )
  })
  // The handler fails at once, so `getStream` may resolve or reject.
  await peers.client.getStream(peers.server.address(), name).catch(() => {})
  for (const text of [await shown, (await warned).message]) {
    t.notRegex(text, /[\p{Cc}\u202e]/u)
    t.true(text.includes('bad\\u{9b}31m\\u{202e}\\u{7f}'), text)
  }
})
